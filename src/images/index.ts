export { type BuildOptions, type BuiltImage, buildImage } from './build.ts'
export {
  type Containerd,
  type ImportRequest,
  type ImportedImage,
  importImages,
  type StoredImage,
} from './containerd.ts'
export { type ImageDefinition, type LayerDefinition, PAUSE_IMAGE, pauseDefinition, readImageDefinitions } from './definition.ts'

export type { BlobFile, OciLayout } from './oci-layout.ts'
