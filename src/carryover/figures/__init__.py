"""The figures: each module draws one. The look lies in home/.config/matplotlib/matplotlibrc."""
