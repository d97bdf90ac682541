"""Training a case in Keras: the network, the resets, the training itself, and its results."""
