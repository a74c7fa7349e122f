"""Cerebellum and brainstem on T1 MRI (Cabeza-Ruiz et al. 2021): preparation, synthetic heads, training, evaluation."""
