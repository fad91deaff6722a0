"""all-MiniLM-L6-v2 in torch, its parts named as in the pretrained file, so that adapters find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from graft.encoders import BuiltIn
from graft.encoders.minilm import EPSILON, HEAD_WIDTH, HEADS, LAYERS, POOLED, WIDTH
from graft.tuning.module import EncoderModule
from graft.tuning.network import Batch, Groups

DROPOUT = 0.1
"""While learning, as when the network was trained."""


class MiniLM(EncoderModule):
    """Texts -> ``(n, 768)``.

    A batch is the tokens of ``w`` windows ``(w, t) int64``, filled up behind, the length of each ``(w,) int64``, and to
    which of the texts it belongs ``(w,) int64``, ascending from 0.
    """

    def __init__(self, encoder: BuiltIn) -> None:
        super().__init__(encoder)
        shapes = {name: array.shape for name, array in encoder.pinned().items()}
        self.embeddings = _Embeddings(*(shapes[f"embeddings.{name}.weight"][0] for name in _TABLES))
        wide = shapes["encoder.layer.0.intermediate.dense.weight"][0]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(_Layer(wide) for _ in range(LAYERS))})
        self.load_pinned()

    def batch(self, values: Sequence[Any]) -> Batch:
        """Texts, each a tuple of windows ``(t,) int32``."""
        windows = [window for text in values for window in text]
        tokens = pad_sequence([torch.from_numpy(window).long() for window in windows], batch_first=True)
        lengths = torch.tensor([len(window) for window in windows])
        texts = torch.tensor([row for row, text in enumerate(values) for _ in text])
        return tuple(part.to(self.device) for part in (tokens, lengths, texts))

    def forward(self, batch: Batch) -> Tensor:
        """Embeddings ``(n, 768) float32``."""
        tokens, lengths, texts = batch
        inside = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]  # (w, t)
        states = [self.embeddings(tokens)]
        for layer in self.encoder["layer"]:
            states.append(layer(states[-1], inside[:, None, None, :]))
        pooled = torch.cat([states[index] for index in POOLED], dim=2).float()  # (w, t, 768)
        sums = (pooled * inside[:, :, None]).sum(dim=1)
        n = int(texts[-1]) + 1
        totals = sums.new_zeros(n, sums.shape[1]).index_add(0, texts, sums)
        return totals / lengths.new_zeros(n).index_add(0, texts, lengths)[:, None]

    def groups(self) -> Groups:
        """Tokens, six layers."""
        layers = {f"layer {index}": [*layer.parameters()] for index, layer in enumerate(self.encoder["layer"])}
        return {"tokens": [*self.embeddings.parameters()], **layers}


_TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")


class _Embeddings(nn.Module):  # type: ignore[misc]
    def __init__(self, words: int, positions: int, types: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(words, WIDTH)
        self.position_embeddings = nn.Embedding(positions, WIDTH)
        self.token_type_embeddings = nn.Embedding(types, WIDTH)
        self.LayerNorm = _norm()
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        place = self.position_embeddings.weight[: tokens.shape[1]] + self.token_type_embeddings.weight[0]
        return self.dropout(self.LayerNorm(self.word_embeddings(tokens) + place))


class _Layer(nn.Module):  # type: ignore[misc]
    def __init__(self, wide: int) -> None:
        super().__init__()
        looks = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": looks, "output": _output(WIDTH)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, wide)})
        self.output = _output(wide)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        x = self._joined(self.attention["output"], self._attended(x, seen), x)
        return self._joined(self.output, functional.gelu(self.intermediate["dense"](x)), x)

    def _attended(self, x: Tensor, seen: Tensor) -> Tensor:
        query, key, value = (
            part(x).unflatten(2, (HEADS, HEAD_WIDTH)).transpose(1, 2) for part in self.attention["self"].values()
        )
        dropped = self.dropout.p if self.training else 0.0
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=dropped)
        return found.transpose(1, 2).flatten(2)

    def _joined(self, output: Any, x: Tensor, before: Tensor) -> Tensor:
        return output["LayerNorm"](self.dropout(output["dense"](x)) + before)


def _output(width: int) -> Any:
    return nn.ModuleDict({"dense": nn.Linear(width, WIDTH), "LayerNorm": _norm()})


def _norm() -> Any:
    return nn.LayerNorm(WIDTH, eps=EPSILON)
