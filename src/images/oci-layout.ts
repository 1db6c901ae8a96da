/** A built image: what a registry would hold, as files of the cache. Data only; it stays valid until the cache is cleared. */
export interface OciLayout {
  readonly name: string
  /** Of the manifest: equal digests are equal images, down to the last byte. */
  readonly digest: string
  readonly manifest: BlobFile
  /** The configuration, then the layers, bottom first. */
  readonly blobs: readonly BlobFile[]
  /** Every layer came from the cache. */
  readonly cached: boolean
}

export interface BlobFile {
  readonly mediaType: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  readonly sizeBytes: number
  readonly path: string
}

export const MEDIA_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const
