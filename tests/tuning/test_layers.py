"""The layers of networks that others wrote, from the input to the output."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from graft.tuning.layers import layers_of  # noqa: E402


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(3, 3)

    def forward(self, x):
        return self.dense(x)


class Stage(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())
        self.down = nn.Linear(3, 3)

    def forward(self, x):
        return self.down(self.blocks(x))


class Layered(nn.Module):
    """Its parts stand in another order than that in which they run; one is used but not called, one not used at all."""

    def __init__(self, layers):
        super().__init__()
        self.head = nn.Linear(3, 3)
        self.layer = nn.ModuleList(layers)
        self.places = nn.Embedding(4, 3)
        self.unused = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.ones(3))
        self.norm = nn.Linear(3, 3)

    def forward(self, x):
        x = self.norm(x) * self.scale + self.places.weight[0]
        for layer in self.layer:
            x = layer(x)
        return self.head(x)


def groups(network, *but):
    names = [name for name, _ in network.named_parameters() if not name.startswith(but)]
    return layers_of(network, names, lambda: network(torch.ones(1, 3)))


def test_what_is_in_no_layer_belongs_to_the_one_before():
    found = groups(Layered([Block(), Block()]), "unused")
    assert found == [
        ("input", ["scale", "places.weight", "norm.weight", "norm.bias"]),
        ("layer 0", ["layer.0.dense.weight", "layer.0.dense.bias"]),
        ("layer 1", ["head.weight", "head.bias", "layer.1.dense.weight", "layer.1.dense.bias"]),
    ]


def test_stages_are_taken_apart():
    found = groups(Layered([Stage(), Stage()]), "unused")
    assert [name for name, _ in found] == ["input", "layer 0", "layer 1", "layer 2", "layer 3"]
    assert "layer.0.down.weight" in dict(found)["layer 1"]
    assert "layer.1.blocks.0.dense.bias" in dict(found)["layer 2"]


def test_the_order_is_that_of_the_calls():
    class Backwards(Layered):
        def forward(self, x):
            for layer in reversed(self.layer):
                x = layer(x)
            return x

    found = dict(groups(Backwards([Block(), Block()]), "unused"))
    assert found["layer 0"] == ["layer.1.dense.weight", "layer.1.dense.bias"]


def test_what_cannot_be_learnt_is_left_out():
    network = Layered([Block()])
    network.layer.requires_grad_(False)
    assert [name for name, _ in groups(network, "unused", "head")] == ["input"]


def test_no_hooks_are_left_behind():
    network = Layered([Block()])
    with pytest.raises(ValueError, match="none"):
        layers_of(network, [], lambda: (_ for _ in ()).throw(ValueError("none")))
    assert not any(module._forward_pre_hooks for module in network.modules())
