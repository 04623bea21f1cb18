"""Files of samples: every form, every refusal, table and JSON."""

import json

import numpy as np
import pytest
from skimage import io

from helpers import __main__ as command
from helpers import data, metrics, samples
from helpers.scoring import SampleError, score_file

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*rows of .* features"),
    pytest.mark.filterwarnings("ignore:The legacy .* plugin"),
]


@pytest.fixture(scope="module")
def images():
    return data.to_uint8(data.load("holdout", 120)[0])[60:, ..., 0]


@pytest.fixture
def folder(tmp_path, images):
    place = tmp_path / "pictures"
    place.mkdir()
    for k, image in enumerate(images):
        io.imsave(place / f"{k:03}.png", image, check_contrast=False)
    (place / "notes.txt").write_text("not a picture")
    return place


def read_images(*given):
    return np.concatenate([*samples.read(*given).parts()])


def stored(tmp_path, array, name="samples.npy"):
    path = tmp_path / name
    np.save(path, array)
    return path


def test_every_form_gives_the_same_images(tmp_path, images, folder):
    wanted = data.to_float(images[..., None])
    several = tmp_path / "several.npz"
    np.savez(several, labels=np.zeros(60), images=images)
    alone = tmp_path / "alone.npz"
    np.savez(alone, whatever=images)
    for path in (
        folder,
        several,
        alone,
        stored(tmp_path, images),
        stored(tmp_path, images[..., None], "four.npy"),
        stored(tmp_path, wanted, "float.npy"),
        str(folder),
    ):
        found = read_images(path)
        assert found.dtype == np.float32
        assert np.allclose(found, wanted, atol=1e-6), path


@pytest.mark.parametrize(
    ("change", "value_range"),
    [
        (lambda x: x / 255, (0, 1)),
        (lambda x: (x / 255).astype("float32"), (0, 1)),
        (lambda x: x.astype("int64"), (0, 255)),
        (lambda x: (x / 127.5 - 1).astype("float64"), (-1, 1)),
        (lambda x: x, (0, 255)),
    ],
)
def test_other_numbers_need_their_range(tmp_path, images, change, value_range):
    path = stored(tmp_path, change(images))
    found = read_images(path, value_range)
    assert np.allclose(found, data.to_float(images[..., None]), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda x: x / 255, r"float64 from 0 to 1,.*--range 0 1"),
        (lambda x: (x / 255).astype("float32"), r"float32 from 0 to 1,"),
        (lambda x: (x > 99).astype("uint8"), r"uint8 from 0 to 1,.*--range"),
        (lambda x: x.astype("float32") - 1, r"from -1 to 1, found -1 to 254"),
        (lambda x: x > 99, "expected finite numbers, found bool"),
        (lambda x: np.where(x > 99, np.nan, 0.0), "expected finite"),
        (lambda x: x.astype(str), "expected finite numbers, found <U"),
        (lambda x: x[:39], "at least 40 images, found 39"),
        (lambda x: x[0], r"found \(28, 28\)"),
        (lambda x: x[:, 4:], r"found \(60, 24, 28, 1\)"),
        (lambda x: np.stack([x] * 3, -1), r"found \(60, 28, 28, 3\)"),
        (lambda x: x.reshape(60, 784), r"found \(60, 784\)"),
        (lambda x: x[:0], "at least 40 images, found 0"),
    ],
)
def test_what_may_mean_anything_is_refused(tmp_path, images, change, match):
    path = stored(tmp_path, change(images))
    with pytest.raises(SampleError, match=match) as found:
        read_images(path)
    assert str(path) in str(found.value)


@pytest.mark.parametrize(
    ("value_range", "match"),
    [
        ((0, 1), "expected values from 0 to 1, found 0 to 255"),
        ((255, 0), "black first"),
        ((0, 0), "black first"),
        ((0, float("nan")), "black first"),
        ((0, float("inf")), "black first"),
    ],
)
def test_a_range_must_hold_the_values(tmp_path, images, value_range, match):
    with pytest.raises(SampleError, match=match):
        read_images(stored(tmp_path, images), value_range)


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{"a": 1}] * 50, object), allow_pickle=True)
    with pytest.raises(SampleError, match="never loaded"):
        read_images(path)
    archive = tmp_path / "objects.npz"
    np.savez(archive, images=np.array([{"a": 1}] * 50, object))
    with pytest.raises(SampleError, match="never loaded"):
        read_images(archive)


def test_files_that_are_none(tmp_path, images):
    with pytest.raises(SampleError, match="found nothing there"):
        read_images(tmp_path / "missing.npy")
    text = tmp_path / "samples.txt"
    text.write_text("1 2 3")
    with pytest.raises(SampleError, match="found another file"):
        read_images(text)
    false = tmp_path / "false.npy"
    false.write_text("1 2 3")
    with pytest.raises(SampleError, match="no NumPy file"):
        read_images(false)
    cut = stored(tmp_path, images)
    cut.write_bytes(cut.read_bytes()[:5_000])
    with pytest.raises(SampleError, match="cannot be read"):
        read_images(cut)
    archive = tmp_path / "cut.npz"
    np.savez(archive, images=images)
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(SampleError, match="cannot be read"):
        read_images(archive)
    two = tmp_path / "two.npz"
    np.savez(two, a=images, b=images)
    with pytest.raises(SampleError, match="found a, b"):
        read_images(two)


def test_folders_of_other_pictures(tmp_path, folder, images):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SampleError, match="expected PNG files, found none"):
        read_images(empty)
    for name, picture, match in (
        ("colour.png", np.stack([images[0]] * 3, -1), r"\(28, 28, 3\)"),
        ("large.png", np.zeros((32, 32), "uint8"), r"\(32, 32\)"),
        ("deep.png", np.zeros((28, 28), "uint16"), "of uint16"),
    ):
        io.imsave(folder / name, picture, check_contrast=False)
        with pytest.raises(SampleError, match=match) as found:
            read_images(folder)
        assert name in str(found.value)
        (folder / name).unlink()
    (folder / "cut.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(SampleError, match=r"cut\.png: expected a PNG"):
        read_images(folder)


def test_scores_are_those_of_the_metrics(tmp_path, images):
    x, _ = data.load("holdout", 60)
    report = score_file(stored(tmp_path, images))
    own = data.to_float(images[..., None])
    wanted = metrics.score_fixed_set(own, metrics.judge(x))
    found = dict(report.scores)
    debiased = found.pop("fcd_debiased")
    assert found == wanted
    assert debiased.estimate < wanted["fcd"].estimate
    assert (report.found, report.scored) == (60, 60)
    table = report.table()
    assert table.loc["fcd", "estimate"] == wanted["fcd"].estimate
    assert (table["low"] <= table["estimate"]).all()


def test_of_many_images_some_are_chosen(tmp_path, images, monkeypatch):
    x, y = data.load("holdout", 50)
    monkeypatch.setattr(data, "load", lambda split: (x, y))
    report = score_file(stored(tmp_path, images))
    assert (report.found, report.scored) == (60, 50)
    assert report == score_file(stored(tmp_path, images))


def test_the_command_prints_a_table(tmp_path, images, capsys):
    path = stored(tmp_path, images / 255)
    assert command.main(["score", str(path), "--range", "0", "1"]) == 0
    out, err = capsys.readouterr()
    assert "60 of 60 images" in out and "fcd_debiased" in out
    assert "60 rows of 64 features" in err


def test_the_command_prints_json(tmp_path, images, capsys):
    path = stored(tmp_path, images)
    assert command.main(["score", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == str(path)
    assert (found["found"], found["scored"]) == (60, 60)
    wanted = score_file(path).scores
    assert {k: metrics.Interval(**v) for k, v in found["scores"].items()} == (
        wanted
    )


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert command.main(["score", str(tmp_path / "none.npy")]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ") and "none.npy" in err
    with pytest.raises(SystemExit):
        command.main([])


def test_the_command_says_which_other_file_is_wrong(
    tmp_path, images, capsys, monkeypatch
):
    def damaged(split):
        raise data.DataError("digits.npz: damaged")

    monkeypatch.setattr(data, "load", damaged)
    path = stored(tmp_path, images)
    assert command.main(["score", str(path)]) == 2
    assert capsys.readouterr().err == "error: digits.npz: damaged\n"


def test_a_set_of_the_real_digits_themselves(tmp_path):
    x, _ = data.load("holdout", 200)
    scores = score_file(stored(tmp_path, x)).scores
    assert scores["fcd"].estimate == pytest.approx(0, abs=1e-3)
    shares = [scores[k].estimate for k in ("precision", "recall", "coverage")]
    assert shares == [1, 1, 1]


def test_reads_no_more_than_it_says():
    assert samples.LEAST == 2 * metrics.BLOCKS
