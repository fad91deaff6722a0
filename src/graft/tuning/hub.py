"""A model of the hub in torch: the network that transformers knows, fed and read as its encoder does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from graft.contracts import Float32
from graft.encoders.hub.audio import LEAST_VARIANCE, RANGE, mel_filters
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.network import network_again
from graft.encoders.hub.readout import normalise, read_out
from graft.tuning.layers import layers_of
from graft.tuning.module import EncoderModule, signed_root
from graft.tuning.network import Batch, Groups


class HubModule(EncoderModule):
    """Items -> ``(n, dim)``.

    A batch is the windows of all items, what each counts in its item's mean ``(w,) float32``, to which item it belongs
    ``(w,) int64``, ascending from 0, and of texts and recordings the length of each ``(w,) int64``. The windows are
    pixels from 0 to 255 ``(w, 3, h, w)``, uint8 or float; tokens ``(w, t) int64``; or samples ``(w, s) float32``; both
    filled up behind.
    """

    def __init__(self, encoder: HubEncoder) -> None:
        super().__init__(encoder)
        card = encoder.entry.card
        self.modality, self.settings, self.readout = card.modality, card.settings, card.readout
        self.network = network_again(card)
        _steady(self.network)
        for name, array in encoder.dense.items():
            self.register_buffer(f"dense {name}".replace(".", " "), torch.from_numpy(array.copy()), persistent=False)
        self._dense_names = tuple(encoder.dense)
        self.load_pinned()
        self._groups = self._found_groups(encoder)

    def weights(self) -> dict[str, Tensor]:
        """Those of the network, by the names that the graph has for them."""
        return self.network.weights()

    def batch(self, values: Sequence[Any]) -> Batch:
        """Items, each a tuple of windows."""
        windows = [window for item in values for window in item]
        lengths = np.array([len(window) for window in windows], np.int64)
        owners = np.repeat(np.arange(len(values)), [len(item) for item in values])
        shares = lengths / np.bincount(owners, lengths)[owners]
        pictures = self.modality == "image"
        parts = [torch.from_numpy(np.stack(windows)).permute(0, 3, 1, 2) if pictures else self._filled(windows)]
        parts += [torch.from_numpy(shares.astype(np.float32)), torch.from_numpy(owners)]
        parts += [] if pictures else [torch.from_numpy(lengths)]
        return tuple(part.to(self.device) for part in parts)

    def forward(self, batch: Batch) -> Tensor:
        """Embeddings ``(n, dim) float32``."""
        windows, shares, owners, *lengths = batch
        if self.modality == "image":
            x = self._seen(windows)
        else:
            x = self._read(windows, *lengths) if self.modality == "text" else self._heard(windows, *lengths)
        total = x.new_zeros(int(owners[-1]) + 1, x.shape[1]).index_add(0, owners, x * shares[:, None])
        layers = self.readout["layers"]
        if layers and layers[-1]["kind"] == "normalise":
            total = normalise(total, torch)
        return signed_root(total) if self.readout.get("rooted") else total

    def groups(self) -> Groups:
        """What lies before the layers, and each of them with what follows it."""
        own = self.weights()
        return {name: [own[weight] for weight in weights] for name, weights in self._groups}

    def _filled(self, windows: Sequence[Any]) -> Tensor:
        tensors = [torch.from_numpy(window) for window in windows]
        if self.modality == "audio":
            return pad_sequence(tensors, batch_first=True)
        filled = pad_sequence(tensors, batch_first=True, padding_value=self.settings["pad"])
        missing = self.settings["length"] - filled.shape[1] if self.settings["padded"] else 0
        return functional.pad(filled, (0, missing), value=self.settings["pad"])

    def _seen(self, pixels: Tensor) -> Tensor:
        height, width = self.settings["size"]
        if pixels.shape[2:] != (height, width):  # places in a picture are learnt for its usual size
            pixels = functional.interpolate(pixels.float(), (height, width), mode="bilinear", antialias=True)
        gain, bias = (pixels.new_tensor(self.settings[name], dtype=torch.float32) for name in ("gain", "bias"))
        x = pixels.float() * gain[:, None, None] + bias[:, None, None]
        return self._embedded(x.flip(1) if self.settings["bgr"] else x)

    def _read(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        inputs = (tokens,) if self.settings["padded"] else (tokens, inside.long())
        return self._embedded(*inputs, mask=inside)

    def _heard(self, samples: Tensor, lengths: Tensor) -> Tensor:
        """Windows of each length for themselves, as the encoder hears them: nothing is padded for the others' sake."""
        parts, rows = [], []
        for length in lengths.unique().tolist():
            together = (lengths == length).nonzero().flatten()
            heard = samples[together, :length]
            if self.settings["form"] == "mel":
                inputs, mask = self._mel(heard)
                parts.append(self._embedded(inputs, mask=mask))
            else:
                parts.append(self._embedded(self._levelled(heard)))
            rows.append(together)
        return torch.cat(parts)[torch.cat(rows).argsort()]

    def _levelled(self, samples: Tensor) -> Tensor:
        if not self.settings["normalise"]:
            return samples
        variance, mean = torch.var_mean(samples, dim=1, keepdim=True, correction=0)
        return (samples - mean) / (variance + LEAST_VARIANCE).sqrt()

    def _mel(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Whisper's spectrogram ``(w, mels, frames)``, and which frames of the output are heard ``(w, t)``."""
        fft, hop, whole = self.settings["fft"], self.settings["hop"], self.settings["samples"]
        spectrum = torch.stft(
            functional.pad(samples, (0, whole - samples.shape[1])).float(),
            fft,
            hop,
            window=torch.hann_window(fft, device=samples.device),
            pad_mode="reflect",
            return_complex=True,
        )
        filters = torch.from_numpy(mel_filters(self.settings["rate"], fft, self.settings["mels"]).astype(np.float32))
        power = spectrum[:, :, :-1].abs().square()
        logs = (filters.to(samples.device) @ power).clamp_min(1e-10).log10()
        loudest = logs.amax(dim=(1, 2), keepdim=True)
        reduction = self.settings["reduction"]
        frames = torch.arange(whole // hop // reduction, device=samples.device)
        inside = frames < -(-samples.shape[1] // (hop * reduction))
        return (torch.maximum(logs, loudest - RANGE) + 4) / 4, inside.expand(len(samples), -1)

    def _embedded(self, *inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        found: Tensor = read_out(self.network(*inputs).float(), mask, self.readout, self._dense(), torch)
        return found

    def _dense(self) -> Mapping[str, Tensor]:
        return {name: self.get_buffer(f"dense {name}".replace(".", " ")) for name in self._dense_names}

    def _found_groups(self, encoder: HubEncoder) -> list[tuple[str, list[str]]]:
        """Found by looking on while an empty item goes through."""
        empty: Float32 | Any
        if self.modality == "image":
            empty = np.zeros((*self.settings["size"], 3), np.uint8)
        elif self.modality == "text":
            empty = encoder.prepare(b"a").value[0]
        else:
            empty = np.zeros(max(int(self.settings["rate"]), self.settings.get("shortest", 1)), np.float32)
        with torch.no_grad():
            return layers_of(self.network.model, encoder.pinned(), lambda: self(self.batch([(empty,)])))


def _steady(network: nn.Module) -> None:
    """No layer is left out by chance, and no stretch of time masked: that is for ``augmentation``, which has seeds."""
    for module in network.modules():
        if hasattr(module, "layerdrop"):
            module.layerdrop = 0.0
        config = getattr(module, "config", None)
        for name, value in (("layerdrop", 0.0), ("apply_spec_augment", False)):
            if hasattr(config, name):
                setattr(config, name, value)
