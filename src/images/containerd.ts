import type { Scope } from '#base'
import { ImageToolFailed, runTool } from './command.ts'
import { layoutTar } from './layout-tar.ts'
import type { OciLayout } from './oci-layout.ts'

/** A containerd that runs answers within milliseconds; `ctr` would wait ten seconds for one that does not. */
const CONNECT_WITHIN = '2s'

/** A containerd by its socket. Kubernetes' images are in the namespace `k8s.io`, the default here. */
export interface Containerd {
  readonly address: string
  readonly namespace?: string
  /** Its client program, of the same version; the one on PATH when absent. */
  readonly ctr?: string
}

export interface ImportRequest extends Containerd {
  readonly layout: OciLayout
}

export interface ImportedImage {
  readonly name: string
  readonly digest: string
  /** False when containerd had this very image under this name. */
  readonly imported: boolean
}

export interface StoredImage {
  readonly name: string
  readonly digest: string
}

/** Puts an image into containerd, unless it is there. The container runtime interface sees it a few milliseconds later. */
export async function importImage(scope: Scope, request: ImportRequest): Promise<ImportedImage> {
  const { layout, ...containerd } = request
  const [image] = await importImages(scope, { ...containerd, layouts: [layout] })
  return image ?? { name: layout.name, digest: layout.digest, imported: false }
}

/** Puts those images into containerd that it does not have, all in one go: what they share is read and sent once, and not at all where it is there. */
export async function importImages(
  scope: Scope,
  request: Containerd & { readonly layouts: readonly OciLayout[] },
): Promise<readonly ImportedImage[]> {
  const there = new Set((await listImages(scope, request)).map(({ name, digest }) => `${name} ${digest}`))
  const missing = request.layouts.filter(({ name, digest }) => !there.has(`${name} ${digest}`))
  if (missing.length > 0) await send(scope, request, missing)
  return request.layouts.map((layout) => ({ name: layout.name, digest: layout.digest, imported: missing.includes(layout) }))
}

/** The images that containerd knows by name, in its order. Its own second names for them (`sha256:…`) are not listed. */
export async function listImages(scope: Scope, containerd: Containerd): Promise<readonly StoredImage[]> {
  return parseImages(await ctr(scope, containerd, ['images', 'list']))
}

/** Reads the table of `ctr images list`: `REF TYPE DIGEST SIZE …`. */
export function parseImages(table: string): readonly StoredImage[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([name, , digest]) => (name === undefined || digest === undefined || name.startsWith('sha256:') ? [] : [{ name, digest }]))
}

async function send(scope: Scope, containerd: Containerd, layouts: readonly OciLayout[]): Promise<void> {
  const known = new Set((await ctr(scope, containerd, ['content', 'list', '--quiet'])).split('\n'))
  const sendAll = (without?: ReadonlySet<string>): Promise<string> =>
    ctr(scope, containerd, ['images', 'import', '-'], layoutTar(layouts, without))
  if (!layouts.some(({ blobs }) => blobs.some(({ digest }) => known.has(digest)))) {
    await sendAll()
    return
  }
  try {
    await sendAll(known)
  } catch (error) {
    // A blob that was there may have been collected meanwhile.
    if (!(error instanceof ImageToolFailed)) throw error
    await sendAll()
  }
}

function ctr(
  scope: Scope,
  { address, namespace = 'k8s.io', ctr: program = 'ctr' }: Containerd,
  args: readonly string[],
  input?: AsyncIterable<Uint8Array>,
): Promise<string> {
  return runTool(
    scope,
    program,
    ['--address', address, '--connect-timeout', CONNECT_WITHIN, '--namespace', namespace, ...args],
    input === undefined ? {} : { input },
  )
}
