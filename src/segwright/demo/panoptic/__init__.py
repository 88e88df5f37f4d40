"""A drawn scene for panoptic work: bolts and brackets (things) on a belt over a floor (stuff), every pixel one id.

`generate_scenes` writes a COCO panoptic data set; `make_scene` draws one frame.
"""

from segwright.demo.panoptic.generate import generate_scenes
from segwright.demo.panoptic.scene import DrawnScene, make_scene
from segwright.demo.panoptic.spec import CLASSES, SceneSpec

__all__ = ["CLASSES", "DrawnScene", "SceneSpec", "generate_scenes", "make_scene"]
