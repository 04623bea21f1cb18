"""Splits, ranges, and every way a data file can be wrong."""

import hashlib
import json
import os

import numpy as np
import pytest

from helpers import data, runtime


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A manifest for a small full file, the file, and the lecture profile."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(10, dtype=np.uint8), 700)
    arrays = {
        "x_train": rng.integers(0, 256, (7_000, 28, 28), np.uint8),
        "y_train": labels,
        "x_test": rng.integers(0, 256, (50, 28, 28), np.uint8),
        "y_test": labels[:50],
    }
    small = json.loads(data.MANIFEST.read_text(encoding="utf-8"))
    entries = {
        key: {
            "shape": array.shape,
            "dtype": "uint8",
            "sha256": digest(array),
        }
        for key, array in arrays.items()
    }
    manifest = {**small, "mnist.npz": {"arrays": entries}}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    file = tmp_path / "mnist.npz"
    np.savez(file, **arrays)
    monkeypatch.setattr(data, "MANIFEST", path)
    monkeypatch.setattr(data, "FULL_FILE", tmp_path / "absent.npz")
    monkeypatch.setattr(runtime, "PROFILE", "lecture")
    monkeypatch.setenv("COURSE_MNIST", str(file))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return file, arrays


@pytest.fixture
def small(tmp_path, monkeypatch):
    """MNIST-5k in the lecture profile, with no other data at hand."""
    monkeypatch.delenv("COURSE_MNIST", raising=False)
    monkeypatch.setattr(data, "FULL_FILE", tmp_path / "absent.npz")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(runtime, "PROFILE", "lecture")


def as_uint8(images):
    return data.to_uint8(images)[..., 0]


def test_full_file_splits_are_the_documented_rows(toy):
    _, arrays = toy
    x, y = arrays["x_train"], arrays["y_train"]
    train, labels = data.load("train")
    assert np.array_equal(as_uint8(train), x[6_000:])
    assert np.array_equal(labels, y[6_000:])
    assert np.array_equal(as_uint8(data.load("validation")[0]), x[:6_000])
    assert np.array_equal(as_uint8(data.load("test")[0]), arrays["x_test"])
    held, labels = data.load("holdout")
    assert np.array_equal(np.bincount(labels), np.full(10, 500))
    first = {image.tobytes() for image in x[y == 1][:500]}
    assert {image.tobytes() for image in as_uint8(held[labels == 1])} == first
    assert len(set(labels[:100])) == 10, "not shuffled"


def test_small_splits_are_the_documented_rows(small):
    held, labels = data.load("holdout")
    train, train_labels = data.load("train")
    validation, validation_labels = data.load("validation")
    assert len(held) == 5_000 and (np.bincount(labels) == 500).all()
    assert len(train) == 4_000 and (np.bincount(train_labels) == 400).all()
    assert (np.bincount(validation_labels) == 100).all()
    keys = {image.tobytes() for image in train}
    assert not keys & {image.tobytes() for image in validation}
    everything = {image.tobytes() for image in held}
    assert keys | {image.tobytes() for image in validation} == everything
    for some in (labels, train_labels, validation_labels):
        assert len(set(some[:100])) == 10, "not shuffled"
    assert np.array_equal(data.load("train")[0], train), "not repeatable"


def test_the_full_files_holdout_is_mnist_5k(small, monkeypatch, full_mnist):
    held = data.load("holdout")[0]
    monkeypatch.setenv("COURSE_MNIST", full_mnist)
    assert data.source() == "COURSE_MNIST"
    assert np.array_equal(data.load("holdout")[0], held)
    assert len(data.load("train")[0]) == 54_000


def test_order_of_the_sources(toy, tmp_path, monkeypatch):
    file, _ = toy
    assert data.source() == "COURSE_MNIST"
    monkeypatch.delenv("COURSE_MNIST")
    assert data.source() == data.SMALL
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(file.read_bytes())
    assert data.source() == "Keras cache"
    monkeypatch.setattr(data, "FULL_FILE", file)
    assert data.source() == "data/mnist.npz"
    monkeypatch.setenv("COURSE_MNIST", data.SMALL)
    assert data.source() == data.SMALL
    monkeypatch.setattr(runtime, "PROFILE", "ci")
    monkeypatch.setenv("COURSE_MNIST", str(file))
    assert data.source() == data.SMALL, "ci always takes MNIST-5k"


def cut_short(file, arrays):
    file.write_bytes(file.read_bytes()[:-5_000])


def not_an_archive(file, arrays):
    file.write_text("<html>not found</html>", encoding="utf-8")


def empty(file, arrays):
    file.write_bytes(b"")


def absent(file, arrays):
    file.unlink()


def a_folder(file, arrays):
    file.unlink()
    file.mkdir()


def one_pixel(file, arrays):
    arrays["x_train"][0, 0, 0] ^= 1
    np.savez(file, **arrays)


def wrong_shape(file, arrays):
    np.savez(file, **{**arrays, "x_train": arrays["x_train"][:-1]})


def wrong_type(file, arrays):
    np.savez(file, **{**arrays, "y_test": arrays["y_test"].astype(int)})


def no_labels(file, arrays):
    del arrays["y_train"]
    np.savez(file, **arrays)


def a_pickle(file, arrays):
    np.savez(file, **{**arrays, "x_train": np.array([{}], dtype=object)})


def flipped_bytes(file, arrays):
    np.savez_compressed(file, **arrays)
    content = bytearray(file.read_bytes())
    content[1_000:1_100] = bytes(100)
    file.write_bytes(content)


FAULTS = {
    cut_short: "cannot be read",
    not_an_archive: "cannot be read",
    empty: "cannot be read",
    absent: "no such file",
    a_folder: "cannot be read",
    one_pixel: "x_train should have sha256",
    wrong_shape: r"x_train should be uint8 \(7000, 28, 28\)",
    wrong_type: "y_test should be uint8",
    no_labels: "y_train not found",
    a_pickle: "cannot be read",
    flipped_bytes: "cannot be read|sha256",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_damaged_file_is_named_with_its_remedy(toy, fault):
    file, arrays = toy
    fault(file, arrays)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(data.DataError, match=FAULTS[fault]) as error:
        data.load("train")
    message = str(error.value)
    assert str(file) in message and data.REMEDY in message
    # The variable would win over a fetched file, so it has to go first.
    assert "unset" in message
    with pytest.raises(data.DataError) as error:
        data.verify(file.with_name("other.npz"))
    assert "unset" not in str(error.value), "the variable names another file"
    after = file.read_bytes() if file.is_file() else None
    assert after == before, "a damaged file was changed"


def test_a_file_without_permission_is_named(toy, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(data.DataError, match="Permission denied"):
        data.load("train")


def test_a_damaged_mnist_5k_is_made_again(small, tmp_path, monkeypatch):
    copy = tmp_path / "mnist5k.npz"
    copy.write_bytes(b"PK\x03\x04 damaged")
    monkeypatch.setattr(data, "SMALL_FILE", copy)
    assert len(data.load("holdout")[0]) == 5_000
    assert set(data.verify(copy, "mnist5k.npz")) == {"x", "y"}


def test_a_read_only_course_still_has_mnist_5k(small, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(data, "SMALL_FILE", tmp_path / "mnist5k.npz")
    monkeypatch.setattr(data, "write_arrays", refuse)
    assert len(data.load("holdout")[0]) == 5_000


def test_test_split_and_full_profile_refuse_mnist_5k(small, monkeypatch):
    with pytest.raises(data.DataError, match=data.REMEDY):
        data.load("test")
    monkeypatch.setattr(runtime, "PROFILE", "full")
    with pytest.raises(data.DataError, match="full MNIST"):
        data.load("train")


@pytest.mark.parametrize("n", [0, -1, 5_001])
def test_n_outside_the_split_is_refused(small, n):
    with pytest.raises(ValueError, match="has 5000 images"):
        data.load("holdout", n)


def test_an_unknown_split_lists_the_four(small):
    with pytest.raises(ValueError, match="train, validation, holdout, test"):
        data.load("valid")


def test_describe_counts_every_split(toy, monkeypatch):
    counts = data.describe()["images"].to_dict()
    assert counts == {
        "train": 1_000,
        "validation": 6_000,
        "holdout": 5_000,
        "test": 50,
    }
    assert data.report()["ok"].all()
    toy[0].write_bytes(b"")
    assert data.REMEDY in data.report()["remedy"][0]


def test_scaling_loses_no_grey_level():
    levels = np.arange(256, dtype=np.uint8)
    images = np.resize(levels, (1, 28, 28, 1))
    scaled = data.to_float(images)
    assert scaled.dtype == np.float32
    assert scaled.min() == -1 and scaled.max() == 1
    assert np.array_equal(data.to_uint8(scaled), images)
    with pytest.raises(TypeError, match="uint8"):
        data.to_float(scaled)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda x: x.astype(np.float64), TypeError, "float64"),
        (lambda x: x[..., 0], ValueError, r"\(n, 28, 28, 1\)"),
        (lambda x: x[:, :14], ValueError, r"found \(3, 14, 28, 1\)"),
        (lambda x: x * 2, ValueError, r"\[-2, -2\]"),
        (lambda x: x * np.float32(np.nan), ValueError, "nan"),
    ],
)
def test_check_images_names_what_is_wrong(change, error, match):
    images = -np.ones((3, 28, 28, 1), np.float32)
    assert data.check_images(images) is images
    with pytest.raises(error, match=match):
        data.check_images(change(images))


def test_one_tolerance_for_images():
    check = data.checked(images="n 28 28 1")(lambda images: images)
    images = np.zeros((3, 28, 28, 1), np.float32)
    for most in (1, np.nextafter(np.float32(1), 2), 1 + 0.9e-3):
        images[0, 0, 0], images[1, 1, 1] = most, -most
        check(images)
        found = data.check_images(images)
        assert found.max() == 1 and found.min() == -1
        assert images.max() == np.float32(most)
    for most, text in ((1.002, "1.002"), (1 + 1.001e-3, "1.001001")):
        images[0, 0, 0] = most
        for look in (check, data.check_images):
            with pytest.raises(ValueError, match=rf"\[-1, 1\].* {text}\]"):
                look(images)


@pytest.mark.parametrize("header", ["{'shape': (60,", "(" * 9_000, ""])
def test_course_mnist_may_name_anything(tmp_path, monkeypatch, header):
    bare, folder = tmp_path / "digits.npy", tmp_path / "folder.npz"
    np.save(bare, np.zeros((60, 28, 28), np.uint8))
    cut = tmp_path / "cut.npz"
    start = np.lib.format.magic(1, 0) + len(header).to_bytes(2, "little")
    cut.write_bytes(start + header.encode())
    folder.mkdir()
    hidden = tmp_path / ("x" * 5_000)
    stranger = "~nobody-at-all/mnist.npz"
    for path in (bare, cut, folder, hidden, stranger, "data", os.devnull):
        monkeypatch.setenv("COURSE_MNIST", str(path))
        monkeypatch.setattr(runtime, "PROFILE", "lecture")
        with pytest.raises(data.DataError, match="unset that") as found:
            data.load("train")
        assert len(str(found.value)) < 5_500 and "\n" not in str(found.value)
        assert not data.report()["ok"].any()


def test_write_arrays_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    data.write_arrays(path, a=np.ones(3))

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="No space"):
        data.write_arrays(path, a=np.zeros(3))
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]
    assert np.load(path)["a"].sum() == 3
