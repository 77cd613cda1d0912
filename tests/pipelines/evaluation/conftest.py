"""The tiny real models of the evaluation stages."""

from tests.components.evaluation.conftest import causal_folder, classifier_dataset, classifier_folder

__all__ = ["causal_folder", "classifier_dataset", "classifier_folder"]
