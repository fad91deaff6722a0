"""In which kind of numbers a graph keeps its weights; it computes in float32 with either.

Whole numbers of 8 bits would cost labels.
"""

FULL, HALF = "fp32", "fp16"
PRECISIONS = (FULL, HALF)
