"""Tiny models of many families with random weights, saved as their makers would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

TRANSFORMER = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 40,
}
CONVOLUTIONS = {
    "conv_dim": [16, 16, 16],
    "conv_kernel": [10, 3, 3],
    "conv_stride": [5, 4, 4],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
SENTENCE = "my card has not arrived yet where is it ? . a query : passage the two spaces one of them lost in post"
WORDS = SENTENCE.split()
CARD = "---\nlicense: apache-2.0\ntags:\n- tiny\n---\n# A tiny model\n"


def save(model: Any, folder: Path, processor: Any = None) -> Path:
    model.save_pretrained(folder)
    if processor is not None:
        processor.save_pretrained(folder)
    (folder / "README.md").write_text(CARD)
    return folder


def resnet(folder: Path) -> Path:
    from transformers import ConvNextImageProcessorPil, ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 24], depths=[1, 1], layer_type="basic")
    processor = ConvNextImageProcessorPil(size={"shortest_edge": 32}, crop_pct=0.875)
    return save(ResNetForImageClassification(config), folder, processor)


def convnext(folder: Path) -> Path:
    from transformers import ConvNextConfig, ConvNextImageProcessorPil, ConvNextModel

    config = ConvNextConfig(hidden_sizes=[8, 24], depths=[1, 1], num_stages=2)
    return save(ConvNextModel(config), folder, ConvNextImageProcessorPil(size={"shortest_edge": 32}))


def vit(folder: Path) -> Path:
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    config = ViTConfig(image_size=32, patch_size=8, **TRANSFORMER)
    return save(ViTForImageClassification(config), folder, ViTImageProcessorPil(size={"height": 32, "width": 32}))


def dinov2(folder: Path) -> Path:
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    config = Dinov2Config(image_size=32, patch_size=8, **TRANSFORMER)
    processor = BitImageProcessorPil(size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32})
    return save(Dinov2Model(config), folder, processor)


def swin(folder: Path) -> Path:
    from transformers import SwinConfig, SwinModel, ViTImageProcessorPil

    config = SwinConfig(image_size=32, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4)
    return save(SwinModel(config), folder, ViTImageProcessorPil(size={"height": 32, "width": 32}))


def clip(folder: Path) -> Path:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    text = {**TRANSFORMER, "vocab_size": 60, "max_position_embeddings": 20, "eos_token_id": 3, "bos_token_id": 2}
    vision = {**TRANSFORMER, "image_size": 32, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    tokenizer(folder, length=20, ends=("[CLS]", "[SEP]"))
    return save(CLIPModel(config), folder, processor)


def siglip(folder: Path) -> Path:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    text = {**TRANSFORMER, "vocab_size": 60, "max_position_embeddings": 16, "projection_size": 32}
    vision = {**TRANSFORMER, "image_size": 32, "patch_size": 8}
    tokenizer(folder, length=16, ends=("", "[SEP]"))
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return save(SiglipModel(SiglipConfig(text_config=text, vision_config=vision)), folder, processor)


def bert(folder: Path) -> Path:
    from transformers import BertConfig, BertForMaskedLM

    tokenizer(folder, length=32)
    return save(BertForMaskedLM(BertConfig(vocab_size=60, max_position_embeddings=40, **TRANSFORMER)), folder)


def xlm_roberta(folder: Path) -> Path:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    tokenizer(folder, length=512, pad=1, ends=("<s>", "</s>"))
    config = XLMRobertaConfig(vocab_size=60, max_position_embeddings=34, pad_token_id=1, **TRANSFORMER)
    return save(XLMRobertaModel(config), folder)


def distilbert(folder: Path) -> Path:
    from transformers import DistilBertConfig, DistilBertModel

    tokenizer(folder, length=32)
    return save(DistilBertModel(DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=2, hidden_dim=40)), folder)


def t5(folder: Path) -> Path:
    from transformers import T5Config, T5Model

    tokenizer(folder, length=32, ends=("", "[SEP]"))
    return save(T5Model(T5Config(vocab_size=60, d_model=32, d_kv=8, d_ff=40, num_layers=2, num_heads=2)), folder)


def modernbert(folder: Path) -> Path:
    from transformers import ModernBertConfig, ModernBertModel

    tokenizer(folder, length=48)
    ids = {"pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
    return save(ModernBertModel(ModernBertConfig(vocab_size=60, **ids, **TRANSFORMER)), folder)


def sentence_cls(folder: Path) -> Path:
    """BERT with its first token as the embedding, scaled to length 1, and a prompt of its own."""
    bert(folder)
    return _sentence(folder, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, normalise=True)


def sentence_max_dense(folder: Path) -> Path:
    """BERT, its tokens' maximum and mean, and a dense layer of 12."""
    import torch
    from safetensors.torch import save_file

    bert(folder)
    _sentence(folder, {"pooling_mode": ["max", "mean"]}, dense=True)
    (folder / "2_Dense").mkdir()
    settings = {"in_features": 64, "out_features": 12, "bias": True, "activation_function": "torch.nn.modules.Tanh"}
    settings["activation_function"] = "torch.nn.modules.activation.Tanh"
    (folder / "2_Dense" / "config.json").write_text(json.dumps(settings))
    layer = torch.nn.Linear(64, 12)
    save_file({f"linear.{k}": v for k, v in layer.state_dict().items()}, str(folder / "2_Dense" / "model.safetensors"))
    return folder


def wav2vec2(folder: Path) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForPreTraining

    config = Wav2Vec2Config(vocab_size=40, codevector_dim=16, proj_codevector_dim=16, **CONVOLUTIONS, **TRANSFORMER)
    return save(Wav2Vec2ForPreTraining(config), folder, Wav2Vec2FeatureExtractor(return_attention_mask=False))


def hubert(folder: Path) -> Path:
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    config = HubertConfig(feat_extract_norm="layer", do_stable_layer_norm=True, **CONVOLUTIONS, **TRANSFORMER)
    return save(HubertModel(config), folder, Wav2Vec2FeatureExtractor(return_attention_mask=True))


def wavlm(folder: Path) -> Path:
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMModel

    extractor = Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True)
    return save(WavLMModel(WavLMConfig(**CONVOLUTIONS, **TRANSFORMER)), folder, extractor)


def whisper(folder: Path) -> Path:
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    config = WhisperConfig(
        d_model=32,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=40,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=40,
        vocab_size=60,
        num_mel_bins=40,
        max_source_positions=100,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return save(WhisperModel(config), folder, WhisperFeatureExtractor(feature_size=40, chunk_length=2))


FAMILIES: dict[str, Callable[[Path], Path]] = {
    made.__name__: made
    for made in (
        *(resnet, convnext, vit, dinov2, swin, clip, siglip),
        *(bert, xlm_roberta, distilbert, t5, modernbert, sentence_cls, sentence_max_dense),
        *(wav2vec2, hubert, wavlm, whisper),
    )
}


def make(name: str, folder: Path, seed: int = 0) -> Path:
    import torch

    torch.manual_seed(seed)
    return FAMILIES[name](folder)


def tokenizer(folder: Path, length: int, pad: int = 0, ends: tuple[str, str] = ("[CLS]", "[SEP]")) -> None:
    """A vocabulary of whole words and letters, with truncation and padding switched on as many models have it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if "<s>" not in ends else ["<s>", "[PAD]", "</s>", "[UNK]"]
    letters = [letter for letter in "abcdefghilmnoprstuvwy" if letter not in WORDS]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys([*special, *WORDS, *letters]))}
    model = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    model.normalizer = normalizers.BertNormalizer(lowercase=True)
    model.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    first, last = ends
    model.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}".strip(), special_tokens=[(end, vocabulary[end]) for end in ends if end]
    )
    assert vocabulary["[PAD]"] == pad
    model.enable_truncation(8)
    model.enable_padding(length=12, pad_id=pad)
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "sep_token": last}
    PreTrainedTokenizerFast(tokenizer_object=model, model_max_length=length, **named).save_pretrained(folder)


def _sentence(folder: Path, pooling: dict[str, Any], normalise: bool = False, dense: bool = False) -> Path:
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), *(["Normalize"] if normalise else [])]
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": "" if i == 0 else f"{i}_{kind}",
            "type": f"sentence_transformers.models.{kind}",
        }
        for i, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **pooling}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24, "do_lower_case": False}))
    own = {"prompts": {"query": "query: "}, "default_prompt_name": "query" if normalise else None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(own))
    return folder
