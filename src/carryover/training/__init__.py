"""Training a case in Keras: the network, the resets, the training itself, and what it leaves behind."""
