import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Scope } from '#base'
import type { OciLayout } from './oci-layout.ts'
import { type Entry, arrange, packEntries } from './tar.ts'

/**
 * Images as one OCI layout, in a tar: blobs that images share are in it once. `known` are digests that the reader has already; such
 * blobs are left out, and the tar is then good for that reader only.
 */
export function layoutTar(layouts: readonly OciLayout[], known: ReadonlySet<string> = new Set()): AsyncGenerator<Uint8Array> {
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: layouts.map(({ name, manifest }) => ({
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: manifest.sizeBytes,
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    })),
  }
  const blobs = layouts.flatMap(({ manifest, blobs: others }) => [manifest, ...others]).filter(({ digest }) => !known.has(digest))
  return packEntries(
    arrange([
      bytes('/oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
      bytes('/index.json', JSON.stringify(index)),
      ...blobs.map(({ digest, path }): Entry => ({ kind: 'file', path: `/blobs/${digest.replace(':', '/')}`, mode: 0o644, source: path })),
    ]),
  )
}

/** Writes the tar of whole images to a file, for any tool that reads OCI layouts. The file appears when it is complete. */
export async function writeLayoutTar(scope: Scope, layouts: readonly OciLayout[], file: string): Promise<void> {
  const unfinished = `${file}.${scope.random.uuid()}`
  try {
    await pipeline(layoutTar(layouts), createWriteStream(unfinished), { signal: scope.signal })
    renameSync(unfinished, file)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

const bytes = (path: string, content: string): Entry => ({ kind: 'bytes', path, mode: 0o644, bytes: Buffer.from(content) })
