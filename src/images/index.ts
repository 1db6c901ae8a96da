export { type BuildOptions, type BuiltImage, buildImage, listBuiltImages } from './build.ts'
export {
  type Containerd,
  type ImportRequest,
  type ImportedImage,
  importImage,
  importImages,
  listImages,
  type StoredImage,
} from './containerd.ts'
export { type ImageDefinition, type LayerDefinition, PAUSE_IMAGE, pauseDefinition, readImageDefinitions } from './definition.ts'
export { writeLayoutTar } from './layout-tar.ts'
export type { BlobFile, OciLayout } from './oci-layout.ts'
