"""Files of samples: every form, every refusal, table and JSON."""

import hashlib
import io as streams
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image
from skimage import io

from helpers import checkpoints, data, metrics
from helpers.lessons import samples, scoring
from helpers.lessons.scoring import SampleError, score_file
from tools import score as command

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
    return place


def read_images(*given):
    return np.concatenate([*samples.read(*given).parts()])


def stored(tmp_path, array, name="samples.npy"):
    path = tmp_path / name
    with path.open("wb") as file:
        np.save(file, array)
    return path


def as_floats(x):
    return (x / 127.5 - 1).astype("float32")


# -------------------------------------------------------------------- forms


def test_every_form_gives_the_same_images(tmp_path, images, folder):
    wanted = data.to_float(images[..., None])
    several = tmp_path / "several.npz"
    np.savez(several, labels=np.zeros(60), images=images)
    alone = tmp_path / "alone.npz"
    np.savez(alone, whatever=images)
    swapped = np.asfortranarray(wanted.astype(">f4"))
    for path in (
        folder,
        several,
        alone,
        stored(tmp_path, images),
        stored(tmp_path, images, "LOUD.NPY"),
        stored(tmp_path, images[..., None], "four.npy"),
        stored(tmp_path, wanted, "float.npy"),
        stored(tmp_path, swapped, "swapped.npy"),
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
        (lambda x: x.astype(">u2"), (0, 255)),
        (lambda x: (x / 127.5 - 1).astype("float64"), (-1, 1)),
        (lambda x: x / 255 - 0.5, (-0.5, 0.5)),
        (lambda x: x, (0, 255)),
        (lambda x: 255 - x, (255, 0)),
        (lambda x: (0.5 - x / 255).astype("float32"), (0.5, -0.5)),
    ],
)
def test_other_numbers_need_their_range(tmp_path, images, change, value_range):
    path = stored(tmp_path, change(images))
    found = read_images(path, value_range)
    assert np.allclose(found, data.to_float(images[..., None]), atol=1e-6)


def test_black_and_white_alone_are_known(tmp_path, images):
    wanted = np.where(images > 99, 1, -1)[..., None]
    assert np.array_equal(read_images(stored(tmp_path, images > 99)), wanted)


def test_an_array_is_chosen_by_name(tmp_path, images):
    two = tmp_path / "two.npz"
    np.savez(two, a=images, b=images[::-1])
    wanted = data.to_float(images[::-1, ..., None])
    assert np.allclose(read_images(two, None, "b"), wanted, atol=1e-6)
    with pytest.raises(SampleError, match=r"found a, b.*--key a"):
        read_images(two)
    with pytest.raises(SampleError, match=r"called 'c'.*found a, b.*--key"):
        read_images(two, None, "c")
    with pytest.raises(SampleError, match=r"--key chooses from an \.npz"):
        read_images(stored(tmp_path, images), None, "a")
    np.savez(two)
    with pytest.raises(SampleError, match=r"found none\.$"):
        read_images(two)


# -------------------------------------------------------------------- range


@pytest.mark.parametrize("outliers", [0, 1, 60, 600])
@pytest.mark.parametrize(
    ("change", "ends", "match"),
    [
        (lambda x: x / 255, (-1e-6, 1), r"-1e-06 to 1,.*--range 0 1"),
        (lambda x: x / 255, (-1, 1), "few of them near -1"),
        (lambda x: x / 255 - 0.5, (-1, 1), "few of them near -1"),
        (lambda x: x / 255 - 1, (-1, 1), "few of them near 1"),
        (lambda x: x * 100.0, (0, 255), r"0 to 25500,.*--range 0 25500"),
        (lambda x: x / 100, (-1, 1), "-1 to 2.55,"),
    ],
)
def test_a_few_pixels_prove_no_range(
    tmp_path, images, change, ends, match, outliers
):
    x = change(images.astype("float64")).astype("float32")
    x.reshape(-1)[1 : outliers + 1 : 2] = ends[0]
    x.reshape(-1)[: outliers + 1 : 2] = ends[1]
    with pytest.raises(SampleError, match=match if outliers > 1 else "--rang"):
        read_images(stored(tmp_path, x))


@pytest.mark.parametrize("top", [100, 200, 230])
def test_ends_that_no_pixel_reaches_are_asked_for(tmp_path, images, top):
    x = (images * (top / 255)).astype("uint8")
    below = (x / 127.5 - 1).astype("float32")
    above = (1 - x / 127.5).astype("float32")
    for each in (x, below, above, (images / 255 * 0.9).astype("float32")):
        with pytest.raises(SampleError, match="which may mean anything"):
            read_images(stored(tmp_path, each))


@pytest.mark.parametrize("outliers", [0, 1, 300])
def test_grey_levels_that_stop_half_way_are_asked_for(
    tmp_path, images, outliers
):
    x = (images * (100 / 255)).astype("uint8")
    x.reshape(-1)[:outliers] = 255
    with pytest.raises(SampleError, match=r"expected uint8 that fill.*--ran"):
        read_images(stored(tmp_path, x))
    found = read_images(stored(tmp_path, x), (0, 255 if outliers else 100))
    assert found.min() == -1 and found.max() == 1


def test_the_range_advised_is_taken(tmp_path, images):
    for x in (
        (images / 255).astype("float32"),
        images / 255 - 0.5,
        images.astype("int32"),
        (images > 0).astype("uint8"),
        images * np.uint16(257),
        np.where(np.arange(28) == 3, np.float32(-1e-6), images / 255),
        (images * 1.02 / 127.5 - 1.01).astype("float32"),
        images / 255 * 1.04,
    ):
        path = stored(tmp_path, x)
        with pytest.raises(SampleError, match="--range") as found:
            read_images(path)
        advice = str(found.value).partition("--range ")[2].rstrip(".").split()
        span = [float(text) for text in advice[:2]]
        overshoots = x.max() > 1.001 * span[1]
        assert ("images.clip(" in str(found.value)) == overshoots
        path = stored(tmp_path, x.clip(*span) if overshoots else x)
        assert read_images(path, span).max() == pytest.approx(1, abs=0.02)


def test_what_fills_its_range_is_known(tmp_path, images):
    rng = np.random.default_rng(0)
    noise = rng.integers(256, size=images.shape).astype("uint8")
    blurred = metrics.ndimage.gaussian_filter(as_floats(images), (0, 1, 1))
    for x in (noise, as_floats(noise), as_floats(images), blurred):
        wanted = x if x.dtype == np.float32 else as_floats(x)
        found = read_images(stored(tmp_path, x))
        assert np.allclose(found[..., 0], wanted, atol=1e-6)


@pytest.mark.parametrize(
    "change", [lambda x: 255 - x, lambda x: -as_floats(x)]
)
def test_black_on_white_is_said(tmp_path, images, change):
    path = stored(tmp_path, change(images))
    with pytest.raises(SampleError, match=r"near white\. Say --range") as told:
        read_images(path)
    black, white = str(told.value).split("--range ")[1].split()[:2]
    found = read_images(path, (float(black), float(white)))
    assert np.allclose(found, data.to_float(images[..., None]), atol=1e-6)
    with pytest.warns(UserWarning, match=f"say --range {black} {white}"):
        read_images(path, (float(white), float(black)))


def test_a_wrong_range_is_doubted(tmp_path, images):
    path = stored(tmp_path, (images / 255).astype("float32"))
    for span, text in (((-1, 1), "-1 to 1"), ((0, 255), "0 to 255")):
        with pytest.warns(UserWarning, match=f"0 to 1 hardly fill {text}"):
            read_images(path, span)


@pytest.mark.filterwarnings("ignore:most pixels")
@pytest.mark.parametrize("value", [0, 255, 1])
def test_even_images_are_scored_only_if_asked(tmp_path, images, value):
    path = stored(tmp_path, np.full_like(images, value))
    with pytest.raises(SampleError, match=f"each pixel is {value}"):
        read_images(path)
    with pytest.warns(UserWarning, match="hardly fill 0 to 255"):
        assert np.ptp(read_images(path, (0, 255))) == 0


@pytest.mark.parametrize("far", [np.nextafter(np.float32(1), 2), 1 + 5e-4])
def test_rounding_leaves_no_range(tmp_path, images, far):
    x = as_floats(images)
    x[3, 3, 3], x[4, 4, 4] = far, -far
    for given in (None, (-1, 1)):
        found = read_images(stored(tmp_path, x), given)
        assert found.min() == -1 and found.max() == 1
    assert data.check_images(found) is found
    x[3, 3, 3] = 1.0015
    with pytest.raises(SampleError, match=r"from -1 to 1, found .* 1\.0015\."):
        read_images(stored(tmp_path, x), (-1, 1))
    with pytest.raises(ValueError, match=r"\[-1, 1\], found .* 1\.0015\]"):
        data.check_images(x[..., None])


@pytest.mark.parametrize(
    ("value_range", "match"),
    [
        ((0, 1), "expected values from 0 to 1, found 0 to 255"),
        ((254.5, 0), "expected values from 254.5 to 0, found 0 to 255"),
        ((0, 0), "black first"),
        ((0, float("nan")), "black first"),
        ((0, float("inf")), "black first"),
    ],
)
def test_a_range_must_hold_the_values(tmp_path, images, value_range, match):
    with pytest.raises(SampleError, match=match):
        read_images(stored(tmp_path, images), value_range)


# ----------------------------------------------------------------- remedies


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda x: x / 255, r"float64 from 0 to 1,.*--range 0 1"),
        (lambda x: (x / 255).astype("float32"), r"float32 from 0 to 1,"),
        (lambda x: (x > 99).astype("uint8"), r"uint8 from 0 to 1,.*--range"),
        (lambda x: x.astype("float32") - 1, r"-1 to 254,.*--range -1 254"),
        (lambda x: np.where(x > 99, np.nan, 0.0), "expected finite.*NaN"),
        (lambda x: np.where(x > 99, -np.inf, 0.0), "expected finite"),
        (lambda x: x.astype(str), "expected numbers, found <U"),
        (lambda x: x + 0j, r"expected numbers, found complex128.*\.real"),
        (lambda x: x[:39], "at least 40 images, found 39"),
        (lambda x: x[0], r"found \(28, 28\)\.$"),
        (lambda x: x[:, 4:], r"found \(60, 24, 28\)\. Resize"),
        (lambda x: np.pad(x, ((0, 0), (2, 2), (2, 2))), r"32\)\. Resize.*cut"),
        (lambda x: x[:, :27, :27], r"found \(60, 27, 27\)\. Resize.*pad"),
        (
            lambda x: np.stack([x] * 3, -1),
            r"\(60, 28, 28, 3\)\. Make.*axis=-1",
        ),
        (lambda x: np.stack([x] * 3, 1), r"\(60, 3, 28, 28\)\. Make.*axis=1"),
        (lambda x: x[:, None], r"\(60, 1, 28, 28\)\. Reshape"),
        (lambda x: x.reshape(60, 784), r"found \(60, 784\)\. Reshape"),
        (lambda x: x.reshape(6, 10, 28, 28, 1), r"28, 28, 1\)\. Reshape"),
        (lambda x: np.moveaxis(x, 0, -1), r"\(28, 28, 60\)\. Put.*moveaxis"),
        (lambda x: x.reshape(1680, 28), r"\(1680, 28\)\. If this is a sheet"),
        (lambda x: x[:0], "at least 40 images, found 0"),
    ],
)
def test_what_may_mean_anything_is_refused(tmp_path, images, change, match):
    path = stored(tmp_path, change(images))
    with pytest.raises(SampleError, match=match) as found:
        read_images(path)
    assert str(path) in str(found.value)


def test_the_tiles_advised_are_the_digits(images):
    sheet = images.reshape(6, 10, 28, 28).swapaxes(1, 2).reshape(168, 280)
    advice = samples.SHEET.partition("left out: ")[2].partition(", and")[0]
    tiles = eval(advice, {"sheet": sheet, "rows": 6, "columns": 10})
    assert np.array_equal(tiles, images)


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{"a": 1}] * 50, object), allow_pickle=True)
    with pytest.raises(SampleError, match="never loaded"):
        read_images(path)
    archive = tmp_path / "objects.npz"
    np.savez(archive, images=np.array([{"a": 1}] * 50, object))
    with pytest.raises(SampleError, match="never loaded"):
        read_images(archive)


# ------------------------------------------------------------------ damage


def test_files_that_are_none(tmp_path, images):
    with pytest.raises(SampleError, match="found nothing there"):
        read_images(tmp_path / "missing.npy")
    for name, match in (
        ("samples.txt", "found another file.*numpy.save"),
        ("grid.PNG", "a sheet of many.*give the folder"),
        ("false.npy", "no NumPy file"),
        ("false.npz", "no NumPy file"),
    ):
        (tmp_path / name).write_text("1 2 3")
        with pytest.raises(SampleError, match=match):
            read_images(tmp_path / name)
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(SampleError, match="expected PNG files, found none"):
        read_images(tmp_path / "folder.npy")
    for name in ("x" * 5_000 + ".npy", "~nobody-at-all/x.npy", "a\0.npy"):
        with pytest.raises(SampleError, match="found"):
            read_images(name)


def with_header(text):
    start = np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little")
    return start + text.encode("latin1")


PLAIN = "{'descr': '|u1', 'fortran_order': False, 'shape': (60, 28, 28)}"
HEADERS = (
    PLAIN[:-10],
    PLAIN.replace("60", "9" * 13),
    PLAIN.replace("60", "9" * 30),
    PLAIN.replace("60", "10**30"),
    PLAIN.replace("60", "-60"),
    PLAIN.replace("|u1", "|V0"),
    PLAIN.replace("|u1", "nonsense"),
    PLAIN.replace("'|u1'", "[('a', '|u1')]"),
    PLAIN.replace("(60", "('x'"),
    "(" * 9_000,
    "[" * 300 + "]" * 300,
    "\x00\x01\xff",
)


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_headers_that_lie(tmp_path, header):
    path = tmp_path / "samples.npy"
    path.write_bytes(with_header(header) + bytes(60 * 784))
    archive = tmp_path / "samples.npz"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("images.npy", path.read_bytes())
    for place in (path, archive):
        with pytest.raises(SampleError) as found:
            read_images(place)
        assert len(str(found.value)) < 500 and "\n" not in str(found.value)


def archives(tmp_path, images):
    """Yield the bytes of a file of each form."""
    yield ".npy", stored(tmp_path, images[:45]).read_bytes()
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "fuzz.npz", images=images[:45])
        yield ".npz", (tmp_path / "fuzz.npz").read_bytes()


@pytest.mark.filterwarnings("ignore")
def test_damage_anywhere_ends_in_one_sentence(tmp_path, images):
    rng = np.random.default_rng(1)
    for k, (suffix, whole) in enumerate(archives(tmp_path, images)):
        path = tmp_path / f"fuzz{k}{suffix}"
        ends = {*range(0, 190, 5), *range(len(whole) - 190, len(whole), 5)}
        for cut in ends:
            path.write_bytes(whole[:cut])
            with pytest.raises(SampleError, match=r"fuzz"):
                read_images(path)
            with pytest.raises(data.DataError, match=r"fuzz"):
                data.verify(path)
        for place in [*ends, *rng.integers(len(whole), size=50)]:
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << rng.integers(8)
            path.write_bytes(spoilt)
            try:  # a pixel may have changed, and nothing else
                assert read_images(path).shape == (45, 28, 28, 1)
            except SampleError as error:
                assert "\n" not in str(error)


def flagged(tmp_path, images, place, value):
    """Write an archive with one changed byte in both of its headers."""
    path = tmp_path / "flagged.npz"
    np.savez(path, images=images)
    raw = bytearray(path.read_bytes())
    raw[place] = value
    raw[raw.index(b"PK\x01\x02") + place + 2] = value
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [(6, 1, "encrypted"), (8, 99, "cannot be read"), (8, 14, "cannot be re")],
)
def test_archives_of_other_kinds(tmp_path, images, place, value, match):
    path = flagged(tmp_path, images, place, value)
    with pytest.raises(SampleError, match=match):
        read_images(path)
    with pytest.raises(data.DataError, match="no"):
        data.verify(path)


def test_an_archive_that_unpacks_to_too_much(tmp_path, images, monkeypatch):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, images=np.zeros((200, 28, 28)))
    monkeypatch.setattr(data, "MOST_BYTES", 1_000_000)
    with pytest.raises(SampleError, match=r"images takes 0\.0 GB.*any number"):
        read_images(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images", "no array")
    with pytest.raises(SampleError, match="images is no array"):
        read_images(path)


# ------------------------------------------------------------------ folders


def test_a_folder_names_what_it_leaves_aside(folder, images, capsys):
    for k in range(15):
        file = folder / f"{k:03}.png"
        file.rename(folder / f"{k:03}.{('PNG', 'Png')[k % 2]}")
    for name in ("notes.txt", "a.jpg", "._001.png", ".DS_Store"):
        (folder / name).write_text("not a picture")
    (folder / "deeper.png").mkdir()
    found = samples.read(folder)
    assert len(found.images) == 60
    aside = (".DS_Store", "._001.png", "a.jpg", "deeper.png", "notes.txt")
    assert found.aside == aside
    assert command.main(["score", str(folder)]) == 0
    line = "5 left aside, no PNG files: .DS_Store, ._001.png, a.jpg and 2 more"
    out = capsys.readouterr().out
    assert "60 of 60 images" in out and line in out
    assert command.main(["score", "--json", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["aside"] == list(aside)


def test_folders_of_other_pictures(tmp_path, folder, images):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SampleError, match="expected PNG files, found none"):
        read_images(empty)
    (empty / "1.jpg").write_text("")
    with pytest.raises(SampleError, match=r"PNG files, found 1\.jpg"):
        read_images(empty)
    one = Image.fromarray(images[0])
    for picture, match in (
        (one.convert("RGB"), r"\(28, 28, 3\).*convert\('L'\)"),
        (one.convert("RGBA"), r"\(28, 28, 4\).*convert\('L'\)"),
        (one.convert("LA"), r"\(28, 28, 2\).*convert\('L'\)"),
        (one.convert("RGB").quantize(16), r"palette.*convert\('L'\)"),
        (one.resize((32, 32)), r"\(32, 32\).*Resize it"),
        (one.resize((27, 27)), r"\(27, 27\).*pad"),
        (one.resize((280, 56)), r"\(56, 280\).*cut it into tiles"),
        (Image.fromarray(images[0] * np.uint16(257)), "of uint16.*257"),
    ):
        picture.save(folder / "odd.png")
        with pytest.raises(SampleError, match=match) as found:
            read_images(folder)
        assert "odd.png" in str(found.value)
    (folder / "odd.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(SampleError, match=r"odd\.png: expected a PNG"):
        read_images(folder)


def test_pictures_of_one_bit_are_taken(tmp_path, images):
    for k, image in enumerate(images > 99):
        Image.fromarray(image).save(tmp_path / f"{k}.png")
    found = read_images(tmp_path)
    assert {*np.unique(found)} == {-1, 1}


# ------------------------------------------------------------------- scores


def test_scores_are_those_of_the_metrics(tmp_path, images):
    x, _ = data.load("holdout", 60)
    report = score_file(stored(tmp_path, images))
    own = data.to_float(images[..., None])
    wanted = metrics.score_fixed_set(own, metrics.judge(x))
    found = dict(report.scores)
    debiased = found.pop("fcd_debiased")
    for name, interval in wanted.items():
        estimate = pytest.approx(interval.estimate, rel=1e-4, abs=1e-4)
        assert found[name].estimate == estimate, name
    assert debiased.estimate < wanted["fcd"].estimate
    assert (report.found, report.scored) == (60, 60)
    table = report.table()
    assert table.loc["fcd", "estimate"] == found["fcd"].estimate
    assert (table["low"] <= table["estimate"]).all()


def test_of_many_images_some_are_chosen(tmp_path, images, monkeypatch):
    x, y = data.load("holdout", 50)
    monkeypatch.setattr(data, "load", lambda split: (x, y))
    monkeypatch.setattr(samples, "CHUNK", 7)
    report = score_file(stored(tmp_path, images))
    assert (report.found, report.scored) == (60, 50)
    assert report == score_file(stored(tmp_path, images))


@pytest.mark.parametrize("n", [60, 50])
def test_the_order_of_samples_changes_nothing(
    tmp_path, images, monkeypatch, n
):
    x, y = data.load("holdout", n)
    monkeypatch.setattr(data, "load", lambda split: (x, y))
    some = images.copy()
    some[:9] = some[9]
    for order in (
        np.arange(60)[::-1],
        np.random.default_rng(0).permutation(60),
    ):
        one, two = (
            score_file(stored(tmp_path, each)).scores
            for each in (some, as_floats(some[order]))
        )
        assert one == two


def test_equal_images_are_no_lump_to_be_chosen(images):
    many = data.to_float(np.repeat(images[:40, ..., None], 50, axis=0))
    keyed = sorted(scoring._keyed([many[:77], many[77:]]))
    assert len({key for key, _ in keyed}) == 2_000
    chosen = {levels for _, levels in keyed[:1_000]}
    assert len(chosen) == 40


def test_the_judge_looks_at_each_set_once(tmp_path, images, monkeypatch):
    seen, judge = [], metrics.judge

    def count(x):
        seen.append(len(x))
        return judge(x)

    monkeypatch.setattr(metrics, "judge", count)
    score_file(stored(tmp_path, images))
    assert seen == [60, 60]


def test_intervals_end_where_the_measures_end(tmp_path, images):
    path = stored(tmp_path, images[:40])
    scores = score_file(path).scores
    for name, (low, high) in metrics.RANGES.items():
        found = scores[name]
        assert low <= found.low <= found.estimate <= found.high <= high, name
    assert scores["coverage"].high == 1 and scores["rarest"].low == 0
    assert scores["fcd_debiased"].low < 0


def test_a_set_of_the_real_digits_themselves(tmp_path):
    x, _ = data.load("holdout", 200)
    scores = score_file(stored(tmp_path, x)).scores
    assert scores["fcd"].estimate == pytest.approx(0, abs=1e-3)
    shares = [scores[k].estimate for k in ("precision", "recall", "coverage")]
    assert shares == [1, 1, 1]


def test_many_images_take_little_memory(tmp_path, images, monkeypatch):
    monkeypatch.setattr(samples, "CHUNK", 100)
    n, per_image = 3_000, 784
    path = stored(tmp_path, np.resize(images, (n, 28, 28)))
    tracemalloc.start()
    found = samples.read(path)
    chosen = scoring.heapq.nsmallest(100, scoring._keyed(found.parts()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The file has 2.4 MB; as float32 its images would take four times that.
    assert len(chosen) == 100
    assert peak < 1.8e6 + 300 * n < 2 * n * per_image


def test_an_archive_is_read_once_as_it_is(tmp_path, images, monkeypatch):
    monkeypatch.setattr(samples, "CHUNK", 100)
    path, n = tmp_path / "many.npz", 6_000
    np.savez(path, images=np.resize(images, (n, 28, 28)))
    tracemalloc.start()
    for _ in samples.read(path).parts():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6 * n * 784


def test_reads_no_more_than_it_says():
    assert samples.LEAST == 2 * metrics.BLOCKS


# ------------------------------------------------------------------ command


def test_the_command_prints_a_table(tmp_path, images, capsys):
    path = stored(tmp_path, images / 255)
    assert command.main(["score", str(path), "--range", "0", "1"]) == 0
    out, err = capsys.readouterr()
    assert "60 of 60 images" in out and "fcd_debiased" in out
    assert "left aside" not in out
    assert "Protocol mnist-fcd-v1 with 60 images instead of 5,000" in out
    assert "intervals of recall and coverage are too wide" in out
    assert "60 rows of 64 features" in err


@pytest.mark.parametrize("ends", ["-1 1", "-1. 1.", "-1e0 1e0", "1 -1.0E-0"])
def test_negative_numbers_are_numbers(ends, monkeypatch):
    given = []
    monkeypatch.setattr(scoring, "score_file", lambda *x: given.extend(x))
    monkeypatch.setattr(command, "_text", lambda *x: "")
    command.main(["score", "--range", *ends.split(), "x.npy", "--key", "a"])
    assert given == ["x.npy", [float(end) for end in ends.split()], "a"]


def test_the_protocol_names_the_judge_and_the_reference(monkeypatch):
    found = scoring.protocol(5_000)
    assert found["name"] == scoring.PROTOCOL.stem == "mnist-fcd-v1"
    x = data.to_uint8(data.load("holdout")[0])
    digest = hashlib.sha256(x.tobytes()).hexdigest()
    assert (found["images"], found["reference_sha256"]) == (len(x), digest)
    assert scoring.protocol(300)["name"].endswith(
        "with 300 images instead of 5,000"
    )
    card = checkpoints.card("digit_classifier")
    assert found["judge_sha256"] == card["sha256"]
    monkeypatch.setattr(
        checkpoints, "card", lambda name: card | {"sha256": "0" * 64}
    )
    with pytest.raises(checkpoints.CheckpointError, match="the judge of mnis"):
        scoring.protocol(5_000)


def test_the_command_prints_json(tmp_path, images, capsys):
    path = stored(tmp_path, images)
    assert command.main(["score", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == str(path)
    assert (found["found"], found["scored"]) == (60, 60)
    assert found["intervals_too_wide"] == ["recall", "coverage"]
    assert found["protocol"] == scoring.protocol(60)
    wanted = score_file(path).scores
    assert {k: metrics.Interval(**v) for k, v in found["scores"].items()} == (
        wanted
    )


def test_the_help_says_what_real_digits_get(capsys):
    with pytest.raises(SystemExit):
        command.main(["score", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "usage: python3 course.py score",
        "fcd about 2 with 5,000 images",
        "may be negative",
        "noise can have a precision of 1",
    ):
        assert words in text


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


@pytest.fixture
def scored(monkeypatch):
    """Make scoring quick: the output is what is looked at."""
    scores = {"fcd": metrics.Interval(2.0, 1.0, 3.0)}

    def report(file, *given):
        return scoring.Report(file, 60, 60, {"name": "x"}, ("δ.txt",), scores)

    monkeypatch.setattr(scoring, "score_file", report)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_that_a_terminal_cannot_show(scored, monkeypatch, encoding):
    for stream in ("stdout", "stderr"):
        screen = streams.TextIOWrapper(streams.BytesIO(), encoding)
        monkeypatch.setattr(sys, stream, screen)
    assert command.main(["score", "样本\udcff.npy"]) == 0
    sys.stdout.flush()
    text = sys.stdout.buffer.getvalue().decode(encoding)
    assert "2.0" in text and "images in" in text


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("where", ["closed pipe", "full disk"])
def test_an_output_that_cannot_be_written(where):
    code = (
        "import sys; from helpers.lessons import scoring; "
        "from tools import score; score._text = lambda *x: 'it is 2.0'; "
        "scoring.score_file = lambda *x: 0; "
        "sys.exit(score.main(['score', 'x']))"
    )
    if where == "closed pipe":
        reader, out = os.pipe()
        os.close(reader)
    else:
        out = os.open("/dev/full", os.O_WRONLY)
    run = subprocess.run(
        [sys.executable, "-c", code], stdout=out, stderr=subprocess.PIPE
    )
    os.close(out)
    told = run.stderr.decode()
    assert "Traceback" not in told and "Exception ignored" not in told
    if where == "full disk":
        assert run.returncode == 2
        assert "No space left" in told and "it is 2.0" in told
    else:
        assert run.returncode == 0
