import type { Scope } from '#base'
import { type BlobCache, openBlobCache } from './blob-cache.ts'
import type { ImageDefinition } from './definition.ts'
import { buildLayer } from './layers.ts'
import { type BlobFile, MEDIA_TYPES, type OciLayout } from './oci-layout.ts'

export interface BuildOptions {
  /** The image cache is the folder `images` in it. Several processes may use it at once. */
  readonly cacheDir: string
}

export interface BuiltImage {
  readonly name: string
  readonly digest: string
  readonly sizeBytes: number
}

/**
 * Makes an image for this machine's architecture without asking a registry. Equal inputs give equal bytes: files are sorted, owned by
 * root and dated 1970. Layers whose inputs have not changed come from the cache.
 */
export async function buildImage(scope: Scope, definition: ImageDefinition, options: BuildOptions): Promise<OciLayout> {
  const cache = openBlobCache(options.cacheDir)
  const layers: BlobFile[] = []
  const diffIds: string[] = []
  const sources: string[] = []
  let cached = true
  for (const layer of definition.layers) {
    scope.check()
    const built = await buildLayer(scope, cache, layer)
    cached &&= built.cached
    layers.push(cache.blobOf(built.record))
    diffIds.push(built.record.diffId)
    sources.push(...built.record.sources)
  }
  const config = putJson(scope, cache, MEDIA_TYPES.config, configOf(definition, diffIds, sources))
  const manifest = putJson(scope, cache, MEDIA_TYPES.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: descriptor(config),
    layers: layers.map(descriptor),
  })
  const sizeBytes = [manifest, config, ...layers].reduce((sum, blob) => sum + blob.sizeBytes, 0)
  cache.saveImage(scope, definition.name, { name: definition.name, digest: manifest.digest, sizeBytes } satisfies BuiltImage)
  return { name: definition.name, digest: manifest.digest, manifest, blobs: [config, ...layers], cached }
}

/** What has been built under which name, newest build of each name, sorted by name. */
export function listBuiltImages(options: BuildOptions): readonly BuiltImage[] {
  return openBlobCache(options.cacheDir).images() as readonly BuiltImage[]
}

function configOf(definition: ImageDefinition, diffIds: readonly string[], sources: readonly string[]): object {
  const ports = definition.ports?.map((port) => (port.includes('/') ? port : `${port}/tcp`))
  const labels = { ...definition.labels, ...(sources.length === 0 ? {} : { 'sampan.local/sources': sources.join(' ') }) }
  return {
    created: '1970-01-01T00:00:00Z',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      ...(definition.user === undefined ? {} : { User: definition.user }),
      ...(ports === undefined ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
      Env: Object.entries({ PATH: '/usr/local/bin:/usr/bin:/bin', ...definition.env }).map(([name, value]) => `${name}=${value}`),
      Entrypoint: definition.entrypoint,
      ...(definition.command === undefined ? {} : { Cmd: definition.command }),
      ...(definition.workdir === undefined ? {} : { WorkingDir: definition.workdir }),
      ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
    },
    rootfs: { type: 'layers', diff_ids: diffIds },
  }
}

function putJson(scope: Scope, cache: BlobCache, mediaType: string, value: object): BlobFile {
  return cache.putBytes(scope, mediaType, Buffer.from(JSON.stringify(value)))
}

function descriptor({ mediaType, digest, sizeBytes }: BlobFile): object {
  return { mediaType, digest, size: sizeBytes }
}
