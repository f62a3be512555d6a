"""Training classifiers from labelled documents, with what is needed to trust them: held-out figures and a card."""
