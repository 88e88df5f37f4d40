"""nnU-Net v2 (2d) for benchmarks/accuracy.py: run by the Python that has nnU-Net, which needs no segwright.

    PYTHON accuracy_nnunet.py FOLDER

FOLDER holds settings.json (steps, batch, crop, seed, labels, cases of each part) and the frames in nnU-Net's own raw
layout, written by `prepare` in accuracy_rival.py; the test frames' predictions are left in FOLDER/predicted.

nnU-Net plans by itself; then its patch and batch are set to the benchmark's, so that it sees as many crops, and stages
that so small a patch cannot halve any more are left out. Its optimiser, loss, augmentation, foreground oversampling,
deep supervision, decay (by epoch: up to 20 of them) and mirrored sliding-window prediction are its own.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

DATASET = "Dataset001_Benchmark"
FEWEST_PX = 4  # nnU-Net's smallest feature map
MOST_EPOCHS = 20


def main() -> None:
    """Plan, preprocess, train, predict."""
    folder = Path(sys.argv[1]).resolve()
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    for name in ("raw", "preprocessed", "results"):
        (folder / name).mkdir(exist_ok=True)
        os.environ[f"nnUNet_{name}"] = str(folder / name)
    os.environ |= {"nnUNet_n_proc_DA": "1", "nnUNet_compile": "f"}  # planning takes it for its threads too
    plans = _plan(folder / "preprocessed" / DATASET, settings)
    os.environ["nnUNet_n_proc_DA"] = "0"  # noqa: SIM112  # no workers: the benchmark has a core or two
    trainer = _train(plans, folder / "preprocessed" / DATASET, settings)
    _predict(trainer, folder, settings)


def _plan(place: Path, settings: dict[str, Any]) -> dict[str, Any]:
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )

    extract_fingerprints([1], num_processes=1, check_dataset_integrity=True)
    plan_experiments([1])
    preprocess([1], configurations=["2d"], num_processes=[1])
    (place / "splits_final.json").write_text(json.dumps([{key: settings[key] for key in ("train", "val")}]))
    plans = json.loads((place / "nnUNetPlans.json").read_text(encoding="utf-8"))
    own, crop = plans["configurations"]["2d"], settings["crop"]
    own |= {"patch_size": [crop, crop], "batch_size": settings["batch"]}
    numbers = own["architecture"]["arch_kwargs"]
    stages = _stages(crop, numbers["n_stages"])
    for name in ("features_per_stage", "kernel_sizes", "strides", "n_conv_per_stage"):
        numbers[name] = numbers[name][:stages]
    numbers["n_conv_per_stage_decoder"] = numbers["n_conv_per_stage_decoder"][: stages - 1]
    numbers["n_stages"] = stages
    return plans


def _stages(crop: int, planned: int) -> int:
    """How many stages a patch of `crop` px can have: each after the first halves it, down to `FEWEST_PX`."""
    stages = 1
    while stages < planned and crop % 2**stages == 0 and crop // 2**stages >= FEWEST_PX:
        stages += 1
    return stages


def _train(plans: dict[str, Any], place: Path, settings: dict[str, Any]) -> Any:
    import numpy as np
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(settings["seed"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dataset = json.loads((place / "dataset.json").read_text(encoding="utf-8"))
    trainer = nnUNetTrainer({**plans, "continue_training": False}, "2d", 0, dataset, device)
    steps = settings["steps"]
    trainer.num_epochs = next(count for count in range(MOST_EPOCHS, 0, -1) if steps % count == 0)
    trainer.num_iterations_per_epoch = steps // trainer.num_epochs
    trainer.num_val_iterations_per_epoch = 1  # only printed: the last weights are taken, as nnU-Net does
    trainer.run_training()
    return trainer


def _predict(trainer: Any, folder: Path, settings: dict[str, Any]) -> None:
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    on_gpu = trainer.device.type == "cuda"
    predictor = nnUNetPredictor(device=trainer.device, perform_everything_on_device=on_gpu, allow_tqdm=False)
    predictor.manual_initialization(
        trainer.network, trainer.plans_manager, trainer.configuration_manager, None, trainer.dataset_json,
        type(trainer).__name__, trainer.inference_allowed_mirroring_axes,
    )  # fmt: skip
    (folder / "predicted").mkdir(exist_ok=True)
    preprocessor = trainer.configuration_manager.preprocessor_class()
    for case in settings["test"]:
        _predict_one(predictor, trainer, preprocessor, folder, case)


def _predict_one(predictor: Any, trainer: Any, preprocessor: Any, folder: Path, case: str) -> None:
    import torch
    from nnunetv2.inference.export_prediction import export_prediction_from_logits

    frame = folder / "test" / f"{case}_0000.png"
    plans, own, dataset = trainer.plans_manager, trainer.configuration_manager, trainer.dataset_json
    pixels, _, properties = preprocessor.run_case([str(frame)], None, plans, own, dataset)
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(pixels)).cpu()
    export_prediction_from_logits(logits, properties, own, plans, dataset, str(folder / "predicted" / case))


if __name__ == "__main__":
    main()
