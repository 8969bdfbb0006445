"""The quality of the validator: fit its table inside folds, and compare it with a linear SVM."""
