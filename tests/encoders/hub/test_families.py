"""Each family against transformers itself: the model's own processor, the model in torch, and the pooling said here."""

from __future__ import annotations

import io
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import contracts
from encoders.hub import models
from graft.contracts import Encoder
from graft.encoders.hub import hub_encoder
from graft.encoders.runtime import Backend
from graft.encoders.text import WEIGHTS
from graft.errors import EncoderError

SINGLE = Backend("onnxruntime", "f32")
TEXTS = ("My card has not arrived yet.", "where is it?", "a", "the two spaces, one of them lost in the post")
IMAGES = ("convnext", "dinov2", "resnet", "swin", "vit", "clip", "siglip")
PLAIN_TEXTS = ("bert", "distilbert", "modernbert", "t5", "xlm_roberta")
SOUNDS = ("hubert", "wav2vec2", "wavlm", "whisper")


def test_every_family_is_tested():
    sentences = ("sentence_cls", "sentence_max_dense")
    assert sorted([*IMAGES, *PLAIN_TEXTS, *SOUNDS, *sentences]) == sorted(models.FAMILIES)


@pytest.mark.parametrize("name", IMAGES)
def test_pictures(made, name):
    import torch
    from PIL import Image

    folder = made(name)
    encoder = hub_encoder(str(folder), "image", SINGLE)
    files = [png(seed) for seed in range(3)]
    found = embed(encoder, files)
    pictures = [Image.open(io.BytesIO(file)).convert("RGB") for file in files]
    model, processor = load(folder, "AutoImageProcessor")
    with torch.no_grad():
        pixels = torch.from_numpy(processor(images=pictures, return_tensors="np")["pixel_values"])
        if name in ("clip", "siglip"):
            wanted = model.get_image_features(pixel_values=pixels)
            wanted = getattr(wanted, "pooler_output", wanted)
        else:
            output = model(pixel_values=pixels)
            wanted = output.last_hidden_state[:, 0] if name in ("vit", "dinov2") else output.pooler_output.flatten(1)
    expected = wanted.numpy()
    close(found, np.sign(expected) * np.sqrt(np.abs(expected)) if name == "resnet" else expected)


@pytest.mark.parametrize("name", PLAIN_TEXTS)
def test_texts(made, name):
    import torch

    folder = made(name)
    encoder = hub_encoder(str(folder), None, SINGLE)
    model, tokenizer = load(folder, "AutoTokenizer")
    with torch.no_grad():
        given = tokenizer(list(TEXTS), padding=True, truncation=False, return_tensors="pt")
        mask = given["attention_mask"]
        tower = model.get_encoder() if name == "t5" else model
        states = tower(input_ids=given["input_ids"], attention_mask=mask).last_hidden_state
        wanted = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    close(embed(encoder, TEXTS), wanted.numpy())


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_the_text_tower_of_a_model_with_two(made, name):
    import torch

    folder = made(name)
    encoder = hub_encoder(str(folder), "text", SINGLE)
    model, tokenizer = load(folder, "AutoTokenizer")
    length = {"clip": {"padding": True}, "siglip": {"padding": "max_length", "max_length": 16}}[name]
    with torch.no_grad():
        given = tokenizer(list(TEXTS), truncation=True, return_tensors="pt", **length)
        mask = {"attention_mask": given["attention_mask"]} if name == "clip" else {}
        wanted = model.get_text_features(input_ids=given["input_ids"], **mask)
        wanted = getattr(wanted, "pooler_output", wanted)
    close(embed(encoder, TEXTS), wanted.numpy())


def test_sentence_models_against_sentence_transformers(made):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    for name in ("sentence_cls", "sentence_max_dense"):
        encoder = hub_encoder(str(made(name)), None, SINGLE)
        theirs = sentence_transformers.SentenceTransformer(str(made(name)), device="cpu")
        close(embed(encoder, TEXTS), theirs.encode(list(TEXTS)))
    prompted = hub_encoder(str(made("sentence_max_dense")), None, SINGLE, prompt="passage: ")
    close(embed(prompted, TEXTS), theirs.encode(list(TEXTS), prompt="passage: "))
    assert prompted.version != encoder.version
    assert not np.allclose(embed(prompted, TEXTS), embed(encoder, TEXTS))


@pytest.mark.parametrize("name", SOUNDS)
def test_recordings(made, name):
    import torch

    pytest.importorskip("soundfile")
    folder = made(name)
    encoder = hub_encoder(str(folder), None, SINGLE)
    model, extractor = load(folder, "AutoFeatureExtractor")
    sounds = [tone(seconds, seed) for seed, seconds in enumerate((0.5, 1.3, 0.5))]
    wanted = []
    for sound in sounds:  # each for itself: nothing is padded
        given = extractor(sound, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            if name == "whisper":
                frames = model.get_encoder()(given["input_features"]).last_hidden_state
                wanted.append(frames[:, : -(-len(sound) // 320)].mean(1))
            else:
                wanted.append(model(given["input_values"]).last_hidden_state.mean(1))
    close(embed(encoder, [wav(sound) for sound in sounds]), torch.cat(wanted).numpy())


@pytest.mark.parametrize("name", ["vit", "bert", "wav2vec2"])
@pytest.mark.parametrize("check", contracts.ENCODER_CHECKS)
def test_the_contract(made, name, check):
    encoder = hub_encoder(str(made(name)), None, SINGLE)
    check(encoder)


def test_a_text_longer_than_the_model_reads_is_read_window_by_window(made):
    encoder = hub_encoder(str(made("bert")), None, SINGLE)
    text = " ".join(TEXTS * 20)
    prepared = encoder.prepare(text.encode())
    assert prepared.statistics["windows"] == len(prepared.value) > 5
    assert prepared.statistics["read"] == 1.0
    assert max(map(len, prepared.value)) <= 32
    alone = embed(encoder, [text])
    beside = encoder.embed([prepared.value, encoder.prepare(b"a").value])
    close(beside[:1], alone)
    very_long = encoder.prepare(text.encode() * 300)
    assert len(very_long.value) == 64
    assert very_long.statistics["read"] < 0.1


def test_a_long_recording_is_heard_window_by_window_and_a_short_one_filled_up(made):
    pytest.importorskip("soundfile")
    encoder = hub_encoder(str(made("wav2vec2")), None, SINGLE)
    long = encoder.prepare(wav(tone(45.0, 0)))
    assert len(long.value) == 3
    assert len({len(window) for window in long.value}) == 1
    short = encoder.prepare(wav(tone(0.001, 0)))
    assert np.isfinite(encoder.embed([long.value, short.value])).all()


def test_a_model_of_another_modality_is_refused(made):
    with pytest.raises(EncoderError, match=r"is a model for image, and the data are text"):
        hub_encoder(str(made("vit")), "text", SINGLE)


def test_a_model_of_pictures_follows_how_they_are_decoded(made, monkeypatch):
    before = hub_encoder(str(made("vit")), None, SINGLE).version
    monkeypatch.setattr("graft.encoders.hub.encoder.DECODING", "another")
    assert hub_encoder(str(made("vit")), None, SINGLE).version != before


def test_what_was_made_is_used_again_and_made_anew_when_the_folder_changes(made, tmp_path):
    folder = shutil.copytree(made("vit"), tmp_path / "vit")
    steps: list[str] = []
    first = hub_encoder(str(folder), None, SINGLE, progress=lambda step, done, total: steps.append(step))
    assert steps
    steps.clear()
    again = hub_encoder(str(folder), None, SINGLE, progress=lambda step, done, total: steps.append(step))
    assert steps == []
    assert again.version == first.version == hub_encoder(str(made("vit")), None, SINGLE).version
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, "image_mean": [0.1, 0.1, 0.1]}))
    assert hub_encoder(str(folder), None, SINGLE).version != first.version


def test_a_damaged_file_in_the_cache_is_named(made, tmp_path):
    folder = shutil.copytree(made("vit"), tmp_path / "vit")
    encoder = hub_encoder(str(folder), None, SINGLE)
    (encoder.entry.folder / "model.onnx").write_bytes(b"short")
    with pytest.raises(EncoderError, match=r"damaged.*Delete that folder"):
        embed(encoder, [png(0)])


def test_openvino_runs_it_as_well(made):
    pytest.importorskip("openvino")
    for name, items in (("vit", [png(0)]), ("bert", TEXTS), ("wav2vec2", [wav(tone(1.0, 0))])):
        ours = embed(hub_encoder(str(made(name)), None, Backend("openvino", "f32")), items)
        close(ours, embed(hub_encoder(str(made(name)), None, SINGLE), items), 1e-4)


@pytest.mark.parametrize("name", ["vit", "bert", "wav2vec2"])
def test_no_items_give_no_rows(made, name):
    encoder = hub_encoder(str(made(name)), None, SINGLE)
    assert encoder.embed([]).shape == (0, encoder.dim)


def test_the_models_own_graph_is_used_where_there_are_no_safe_weights(made, tmp_path):
    import torch
    from transformers import AutoModel

    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(EncoderError, match=r"pytorch_model\.bin.*can run code.*save_pretrained"):
        hub_encoder(str(folder), None, SINGLE)
    (folder / "onnx").mkdir()
    names = ["input_ids", "token_type_ids", "attention_mask"]

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids, types, mask):
            return self.model(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Net().eval(),
            (
                torch.ones(2, 8, dtype=torch.int64),
                torch.zeros(2, 8, dtype=torch.int64),
                torch.ones(2, 8, dtype=torch.int64),
            ),
            str(folder / "onnx" / "model.onnx"),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in [*names, "last_hidden_state"]},
            dynamo=False,
        )
    encoder = hub_encoder(str(folder), None, SINGLE)
    assert (encoder.entry.card.graph, encoder.entry.card.parity) == ("repository", None)
    close(embed(encoder, TEXTS), embed(hub_encoder(str(made("bert")), None, SINGLE), TEXTS))


def test_code_that_comes_with_a_model_is_never_run(made, tmp_path):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    (folder / "modeling_own.py").write_text("raise SystemExit('run')")
    change(folder, auto_map={"AutoModel": "modeling_own.OwnModel"})
    stock = hub_encoder(str(folder), None, SINGLE)  # transformers knows a BERT without that code
    close(embed(stock, TEXTS), embed(hub_encoder(str(made("bert")), None, SINGLE), TEXTS))
    change(folder, model_type="own")
    with pytest.raises(EncoderError, match=r"never runs code from a model"):
        hub_encoder(str(folder), None, SINGLE)


def test_code_that_comes_with_a_tokenizer_is_never_run(made, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # transformers would ask
    own = {"auto_map": {"AutoTokenizer": ["tokenization_own.OwnTokenizer", None]}, "tokenizer_class": "OwnTokenizer"}
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    (folder / "tokenization_own.py").write_text("raise SystemExit('run')")
    change(folder, "tokenizer_config.json", **own)
    stock = hub_encoder(str(folder), None, SINGLE)  # transformers knows the tokenizer of a BERT without that code
    close(embed(stock, TEXTS), embed(hub_encoder(str(made("bert")), None, SINGLE), TEXTS))
    change(folder, model_type="eurobert")  # but none for this kind
    with pytest.raises(EncoderError, match=r"needs code that comes with it \(for its processor\).*never runs code"):
        hub_encoder(str(folder), None, SINGLE)


def test_code_that_comes_with_a_processor_is_never_run(made, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder = shutil.copytree(made("vit"), tmp_path / "vit")
    (folder / "processing_own.py").write_text("raise SystemExit('run')")
    own = {"image_processor_type": "OwnProcessor", "auto_map": {"AutoImageProcessor": "processing_own.OwnProcessor"}}
    change(folder, "preprocessor_config.json", **own)
    change(folder, model_type="decision_transformer")
    with pytest.raises(EncoderError, match=r"needs code that comes with it \(for its processor\).*never runs code"):
        hub_encoder(str(folder), None, SINGLE)


def test_a_prompt_leaves_room_for_the_text(made):
    folder = str(made("bert"))  # reads 32 tokens
    text = " ".join(TEXTS)
    encoder = hub_encoder(folder, None, SINGLE, prompt="query " * 20)
    prepared = encoder.prepare(text.encode())
    assert max(map(len, prepared.value)) <= 32
    assert len({tuple(window) for window in prepared.value}) == len(prepared.value) > 2
    with pytest.raises(EncoderError, match=r"reads 32 tokens.*take 23 of them.*shorter prompt"):
        hub_encoder(folder, None, SINGLE, prompt="query " * 21).prepare(b"where is it?")


def test_weights_that_do_not_fit_are_not_filled_up_by_chance(made, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    weights = load_file(folder / "model.safetensors")
    save_file(
        {key: value for key, value in weights.items() if "layer.1" not in key},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(EncoderError, match=r"do not fit its config\.json.*encoder\.layer\.1"):
        hub_encoder(str(folder), None, SINGLE)


@pytest.mark.parametrize(
    ("name", "gone", "said"),
    [
        ("bert", "model.safetensors", "no weights"),
        ("vit", "preprocessor_config.json", "preprocessor"),
        ("bert", "tokenizer.json", "takes|tokenizer"),
    ],
)
def test_a_folder_that_lacks_a_file(made, tmp_path, name, gone, said):
    folder = shutil.copytree(made(name), tmp_path / name)
    (folder / gone).unlink()
    with pytest.raises(EncoderError, match=said):
        hub_encoder(str(folder), None, SINGLE)


def test_a_file_cut_short_is_named(made, tmp_path):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderError, match="cannot load the model"):
        hub_encoder(str(folder), None, SINGLE)
    (folder / "config.json").write_text("{")
    with pytest.raises(EncoderError, match=r"config\.json .* is damaged"):
        hub_encoder(str(folder), None, SINGLE)


def test_a_text_model_as_pip_brings_it(tmp_path):
    """all-MiniLM-L6-v2 in the format of sentence-transformers, with real weights."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    folder = next(
        (path.parent for _, path in WEIGHTS.places() if path and (path.parent / "modules.json").is_file()), None
    )
    if folder is None:
        pytest.skip("no package with the whole of MiniLM is installed")
    encoder = hub_encoder(str(folder), None, SINGLE)
    assert encoder.entry.card.parity < 1e-5
    theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    close(embed(encoder, TEXTS), theirs.encode(list(TEXTS)), 1e-5)


def change(folder: Path, file: str = "config.json", **settings: object) -> None:
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**config, **settings}))


def load(folder: Path, processor: str):
    import transformers

    backend = {"backend": "pil"} if processor == "AutoImageProcessor" else {}
    given = getattr(transformers, processor).from_pretrained(folder, **backend)
    return transformers.AutoModel.from_pretrained(folder).eval(), given


def embed(encoder: Encoder, items) -> np.ndarray:
    contents = [item.encode() if isinstance(item, str) else item for item in items]
    return encoder.embed([encoder.prepare(content).value for content in contents])


def close(found: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-5) -> None:
    assert found.dtype == np.float32
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


def png(seed: int) -> bytes:
    from PIL import Image

    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize((130, 100 + 10 * seed), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def tone(seconds: float, seed: int) -> np.ndarray:
    time = np.arange(int(16_000 * seconds)) / 16_000
    random = np.random.default_rng(seed)
    return (np.sin(time * 440 * (seed + 1) * 6.28) * 0.4 + random.normal(0, 0.02, len(time))).astype(np.float32)


def wav(samples: np.ndarray) -> bytes:
    from graft.decoding.sound import wav_bytes

    return wav_bytes(samples, 16_000)
