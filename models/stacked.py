"""The network of `model.cell`, `model.units` and the activations in params.yaml: recurrent layers, then Dense(1).

src/carryover/training/model.py builds it, so there is no code here. This file lets `model.build` always name a file. To
build a network of your own, copy gru_with_dropout.py beside it.
"""
