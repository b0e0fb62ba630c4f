// The WebGL half of the report's viewer: one volume of colours and opacities, drawn by vtk.js from any side.
// Only these modules of vtk.js are bundled; build.sh makes volume_view.js of this file.
import "@kitware/vtk.js/Rendering/OpenGL/Camera.js";
import "@kitware/vtk.js/Rendering/OpenGL/Renderer.js";
import "@kitware/vtk.js/Rendering/OpenGL/Volume.js";
import "@kitware/vtk.js/Rendering/OpenGL/VolumeMapper.js";
import vtkOpenGLRenderWindow from "@kitware/vtk.js/Rendering/OpenGL/RenderWindow.js";
import vtkRenderWindow from "@kitware/vtk.js/Rendering/Core/RenderWindow.js";
import vtkRenderWindowInteractor from "@kitware/vtk.js/Rendering/Core/RenderWindowInteractor.js";
import vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer.js";
import vtkVolume from "@kitware/vtk.js/Rendering/Core/Volume.js";
import vtkVolumeMapper from "@kitware/vtk.js/Rendering/Core/VolumeMapper.js";
import vtkImageData from "@kitware/vtk.js/Common/DataModel/ImageData.js";
import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray.js";
import vtkPiecewiseFunction from "@kitware/vtk.js/Common/DataModel/PiecewiseFunction.js";

// The space is that of the crop: x to the patient's left, y to posterior, z to superior, in mm from the crop's centre.
// Returns null where the browser gives no WebGL 2.
function open({ voxels, step_mm, background }) {
  const probe = document.createElement("canvas").getContext("webgl2");
  if (!probe) return null;
  probe.getExtension("WEBGL_lose_context")?.loseContext();

  const renderer = vtkRenderer.newInstance({ background });
  const renderWindow = vtkRenderWindow.newInstance();
  renderWindow.addRenderer(renderer);
  const view = vtkOpenGLRenderWindow.newInstance();
  view.setContainer(document.createElement("div"));
  renderWindow.addView(view);
  // The mapper asks its interactor whether it animates; this one is bound to no element and hears no event.
  const interactor = vtkRenderWindowInteractor.newInstance();
  interactor.setView(view);
  renderWindow.setInteractor(interactor);

  const mapper = vtkVolumeMapper.newInstance({ autoAdjustSampleDistances: false, maximumSamplesPerRay: 4000 });
  const actor = vtkVolume.newInstance();
  actor.setMapper(mapper);
  const property = actor.getProperty();
  const opacity = vtkPiecewiseFunction.newInstance();
  opacity.addPoint(0, 0);
  opacity.addPoint(255, 1);
  // Four components that belong together: red, green, blue and opacity. CT, mask and heat are mixed voxel by voxel before,
  // because two volumes drawn one over the other show heat through the chest wall.
  property.setIndependentComponents(false);
  // The colours are drawn as they are; the default function would take them for a 1024 part scale.
  const colours = property.getRGBTransferFunction(0);
  colours.removeAllPoints();
  colours.addRGBPoint(0, 0, 0, 0);
  colours.addRGBPoint(255, 1, 1, 1);
  property.setScalarOpacity(0, opacity);
  property.setScalarOpacity(3, opacity);
  property.setScalarOpacityUnitDistance(0, 0.9 * step_mm);
  property.setScalarOpacityUnitDistance(3, 0.9 * step_mm);
  property.setInterpolationTypeToLinear();
  property.setShade(true);
  property.setAmbient(0.45);
  property.setDiffuse(0.65);
  property.setSpecular(0.08);

  const camera = renderer.getActiveCamera();
  camera.setParallelProjection(true);
  const extent_mm = voxels * step_mm;

  return {
    setVolume(rgba) {
      const image = vtkImageData.newInstance();
      const corner = (-(voxels - 1) / 2) * step_mm;
      image.setDimensions(voxels, voxels, voxels);
      image.setSpacing(step_mm, step_mm, step_mm);
      image.setOrigin(corner, corner, corner);
      image.getPointData().setScalars(vtkDataArray.newInstance({ name: "rgba", numberOfComponents: 4, values: rgba }));
      mapper.setInputData(image);
      if (!renderer.getVolumes().length) renderer.addVolume(actor);
    },
    // `forward` and `up` are unit vectors; `height_mm` is what the picture spans. Returns the canvas that holds the picture
    // until the browser's next frame.
    draw({ side, forward, up, height_mm, sampling }) {
      view.setSize(side, side);
      mapper.setSampleDistance(sampling * step_mm);
      camera.setFocalPoint(0, 0, 0);
      camera.setPosition(...forward.map((v) => -v * 4 * extent_mm));
      camera.setViewUp(...up);
      camera.setParallelScale(height_mm / 2);
      renderer.resetCameraClippingRange();
      // The render window would leave the drawing to its interactor, which draws when it likes.
      view.traverseAllPasses();
      return view.getCanvas();
    },
    onLost(listener) {
      view.getCanvas().addEventListener("webglcontextlost", listener);
    },
  };
}

window.lungaiVolumeView = { open };
