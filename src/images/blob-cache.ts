import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { Scope } from '#base'
import { type BlobFile, MEDIA_TYPES } from './oci-layout.ts'

/** What is known of a built layer. */
export interface LayerRecord {
  readonly digest: string
  readonly sizeBytes: number
  /** Digest of the tar before compression: what the configuration lists. */
  readonly diffId: string
  /** Where files came from that are not the user's own: `redis-tools=5:7.0.15-1`. */
  readonly sources: readonly string[]
}

/**
 * Blobs by their digest, and small JSON records by a name, in one folder. A file appears whole or not at all and is never changed, so
 * several processes may share the folder.
 */
export interface BlobCache {
  readonly folder: string
  /** A folder for work in progress, on the same file system. The caller removes it. */
  scratch(scope: Scope): string
  layer(key: string): LayerRecord | undefined
  /** Compresses and stores a layer's tar while it is made, and remembers it under `key`. */
  putLayer(scope: Scope, key: string, tar: AsyncIterable<Uint8Array>, sources: readonly string[]): Promise<LayerRecord>
  putBytes(scope: Scope, mediaType: string, bytes: Uint8Array): BlobFile
  blobOf(layer: LayerRecord): BlobFile
  image(name: string): unknown
  saveImage(scope: Scope, name: string, record: object): void
  images(): readonly unknown[]
}

/** Level 1: half a second for a Node binary, a third of its size; higher levels cost more time than the smaller file saves at import. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }, chunkSize: 1 << 20 }

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export function openBlobCache(cacheDir: string): BlobCache {
  const folder = join(cacheDir, 'images')
  const blobs = join(folder, 'blobs', 'sha256')
  const layers = join(folder, 'layers')
  const images = join(folder, 'names')
  const pathOf = (digest: string): string => join(blobs, digest.slice('sha256:'.length))
  const make = (path: string): string => {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    return path
  }
  const temporary = (scope: Scope): string => join(make(join(folder, 'tmp')), scope.random.uuid())
  const save = (scope: Scope, path: string, content: Uint8Array | string): void => {
    const file = temporary(scope)
    writeFileSync(file, content)
    renameSync(file, path)
  }
  const read = (path: string): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined)
  const recordFile = (name: string): string => join(images, `${encodeURIComponent(name)}.json`)

  return {
    folder,
    scratch: (scope) => make(temporary(scope)),
    layer(key) {
      const record = read(join(layers, `${key}.json`)) as LayerRecord | undefined
      return record !== undefined && isWhole(pathOf(record.digest), record.sizeBytes) ? record : undefined
    },
    async putLayer(scope, key, tar, sources) {
      const file = temporary(scope)
      const [plain, packed] = [createHash('sha256'), createHash('sha256')]
      let sizeBytes = 0
      try {
        await pipeline(
          tar,
          passing((chunk) => plain.update(chunk)),
          createZstdCompress(COMPRESSION),
          passing((chunk) => {
            packed.update(chunk)
            sizeBytes += chunk.length
          }),
          createWriteStream(file, { highWaterMark: 1 << 20 }),
          { signal: scope.signal },
        )
        const record: LayerRecord = {
          digest: `sha256:${packed.digest('hex')}`,
          sizeBytes,
          diffId: `sha256:${plain.digest('hex')}`,
          sources,
        }
        make(blobs)
        renameSync(file, pathOf(record.digest))
        save(scope, join(make(layers), `${key}.json`), JSON.stringify(record))
        return record
      } finally {
        rmSync(file, { force: true })
      }
    },
    putBytes(scope, mediaType, bytes) {
      const digest = `sha256:${sha256(bytes)}`
      make(blobs)
      if (!isWhole(pathOf(digest), bytes.length)) save(scope, pathOf(digest), bytes)
      return { mediaType, digest, sizeBytes: bytes.length, path: pathOf(digest) }
    },
    blobOf: ({ digest, sizeBytes }) => ({ mediaType: MEDIA_TYPES.layerZstd, digest, sizeBytes, path: pathOf(digest) }),
    image: (name) => read(recordFile(name)),
    saveImage(scope, name, record) {
      make(images)
      save(scope, recordFile(name), JSON.stringify(record))
    },
    images: () =>
      existsSync(images)
        ? readdirSync(images)
            .toSorted()
            .map((file) => read(join(images, file)))
        : [],
  }
}

/** A blob is renamed into place after its last byte, so its size is proof enough that a crash has not cut it. */
function isWhole(path: string, sizeBytes: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === sizeBytes
}

function passing(see: (chunk: Uint8Array) => void): Transform {
  return new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Uint8Array, _encoding, done) {
      see(chunk)
      done(null, chunk)
    },
  })
}
