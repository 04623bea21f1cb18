"""Lesson 07, deeper: scenes, a score for masks, and a step towards them."""

import numpy as np
import pytest

from helpers import training
from helpers.backend import keras, ops
from helpers.lessons import segmentation

RECIPE = segmentation.Recipe(seed=1, width=4, batch_size=8)
DIGITS = np.full((60, 28, 28, 1), -1, "float32")
DIGITS[:, 10:18, 12:16] = 1


def scenes(seed=0, part="train"):
    rng = np.random.default_rng(seed)
    return segmentation.make_scenes(DIGITS, rng, part)


def test_the_same_seed_makes_the_same_scenes():
    first, again, other = scenes(), scenes(), scenes(seed=1)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first.pictures, other.pictures)
    assert first.pictures.dtype == np.float32
    assert abs(first.pictures).max() <= 1


def test_ink_is_lighter_or_darker_by_the_contrast():
    pictures, contrast, _ = scenes()
    ink = DIGITS > 0
    gaps = [
        x[m].mean() - x[~m].mean() for x, m in zip(pictures, ink, strict=True)
    ]
    assert np.abs(np.subtract(gaps, contrast)).mean() < 0.2
    assert 10 < (contrast < 0).sum() < 50
    least, most = abs(contrast).min(), abs(contrast).max()
    assert least >= segmentation.FAINT and most <= segmentation.STRONG


def test_all_three_grounds_come_and_parts_share_no_column():
    assert set(scenes().ground) == {0, 1, 2}
    for ground in segmentation.GROUNDS:
        widths = [
            segmentation.texture(ground, part, 1).shape[1]
            for part in ("train", "test")
        ]
        assert widths == [340, 172]
        for zoom in segmentation.ZOOMS:
            small = segmentation.texture(ground, "test", zoom)
            assert small.shape == (512 // zoom, 172 // zoom)
            assert abs(small.mean()) < 1e-9 and abs(small.std() - 1) < 1e-9


def test_wrong_digits_and_parts_are_refused():
    with pytest.raises(ValueError, match="found 'holdout'"):
        scenes(part="holdout")
    with pytest.raises(ValueError, match="digits"):
        segmentation.make_scenes(
            DIGITS * 255, np.random.default_rng(0), "train"
        )


def test_iou_counts_both_over_either():
    truth, masks = np.zeros((2, 4, 4, 4, 1), bool)
    truth[:3, :2] = True  # 8 pixels
    masks[0] = truth[0]
    masks[1, 1:3] = True  # 4 of them, and 4 others
    masks[3] = False  # nothing in either
    found = segmentation.iou(masks, truth)
    assert found.tolist() == [1, 4 / 12, 0, 1]


def test_iou_refuses_logits_and_other_shapes():
    masks = np.zeros((2, 4, 4, 1), bool)
    with pytest.raises(TypeError, match="compare"):
        segmentation.iou(masks.astype(float), masks)
    with pytest.raises(ValueError, match="equal shapes"):
        segmentation.iou(masks, masks[:1])


@pytest.mark.parametrize("sign", [1, -1])
def test_otsu_finds_light_and_dark_ink(sign):
    noise = np.random.default_rng(0).normal(0, 0.05, DIGITS.shape)
    pictures = 0.4 * sign * DIGITS + noise
    truth = DIGITS > 0
    masks = segmentation.otsu(pictures, truth)
    assert segmentation.iou(masks, truth).min() > 0.8


def test_a_run_has_one_logit_a_pixel_and_can_be_built_again():
    run, again = (segmentation.build(RECIPE) for _ in range(2))
    first = run.draw(scenes().pictures)
    assert first.shape == DIGITS.shape
    assert np.array_equal(first, again.draw(scenes().pictures))
    pair = run.generator.get_weights(), run.average.get_weights()
    assert all(map(np.array_equal, *pair))
    last = run.generator.layers[-1].activation
    assert last is keras.activations.linear


def test_another_network_can_be_given():
    made = segmentation.build(
        RECIPE,
        lambda: keras.Sequential(
            [keras.Input((28, 28, 1)), keras.layers.Conv2D(1, 1)]
        ),
    )
    assert made.generator.count_params() == made.average.count_params() == 2


def test_the_loss_is_the_cross_entropy_from_logits(uncompiled):
    run = segmentation.build(RECIPE)
    x, given = DIGITS[:8], scenes().pictures[:8]
    logits = run.generator(given, training=True)
    expected = keras.losses.binary_crossentropy(
        ops.convert_to_tensor((x > 0).astype("float32")),
        logits,
        from_logits=True,
    )
    expected = float(ops.mean(expected))
    run = segmentation.build(RECIPE)
    (loss,) = segmentation.mask_step(
        run, ops.convert_to_tensor(x), ops.convert_to_tensor(given)
    )
    assert abs(float(loss) - expected) < 1e-4


def test_training_brings_the_loss_down_and_the_average_follows():
    run = segmentation.build(RECIPE)
    before = run.average.get_weights()[0]
    pictures = scenes().pictures
    step = segmentation.mask_step
    training.fit(run, DIGITS, 24, step=step, y_train=pictures)
    loss = run.table()["loss"]
    assert loss[-4:].mean() < 0.8 * loss[:4].mean()
    assert not np.array_equal(before, run.average.get_weights()[0])
