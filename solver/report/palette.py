"""The ten colours of ARC, as everybody draws them, and ten that colour-blind readers can tell apart."""

PALETTES = {
    # As on the ARC Prize site and in the original testing interface.
    "arc": (
        "#000000",
        "#0074d9",
        "#ff4136",
        "#2ecc40",
        "#ffdc00",
        "#aaaaaa",
        "#f012be",
        "#ff851b",
        "#7fdbff",
        "#870c25",
    ),
    # Okabe and Ito's eight (https://jfly.uni-koeln.de/color/), with grey and white; each stands for
    # the ARC colour that it resembles most, white for maroon.
    "safe": (
        "#000000",
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#f0e442",
        "#999999",
        "#cc79a7",
        "#e69f00",
        "#56b4e9",
        "#ffffff",
    ),
}
