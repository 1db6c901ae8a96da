import type { IncomingMessage } from 'node:http'
import type { Scope } from '#base'
import { StatusError, statusError } from '#api'
import type { LocalVolumes } from './local-volumes.ts'
import { type VolumeRefusal, VolumeRefused, isVolumeId, readSize, readWish } from './volume-record.ts'

const REFUSALS: Readonly<Record<VolumeRefusal, { readonly code: number; readonly reason: string }>> = {
  'no-room': { code: 507, reason: 'InsufficientStorage' },
  invalid: { code: 422, reason: 'Invalid' },
  'not-found': { code: 404, reason: 'NotFound' },
  'in-use': { code: 409, reason: 'Conflict' },
  exists: { code: 409, reason: 'AlreadyExists' },
}
const MOST_BYTES = 64 * 1024

/**
 * The node's own volumes for whoever provisions, by HTTP: every request may be sent again. The caller has been authenticated and may
 * do what it asks; refusals are thrown as `StatusError`. A request that is broken off goes on here: `scope` is the node's, not the request's.
 *
 *   GET    /storage                        what there is, and the room that is left
 *   PUT    /storage/volumes/ID             makes it
 *   POST   /storage/volumes/ID/keep        its PersistentVolume is there
 *   POST   /storage/volumes/ID/expand      { sizeBytes }
 *   DELETE /storage/volumes/ID
 *   PUT    /storage/snapshots/ID           { volume }
 *   DELETE /storage/snapshots/ID
 */
export async function serveStorage(
  scope: Scope,
  volumes: LocalVolumes,
  request: IncomingMessage,
  [, collection, id = '', operation]: readonly string[],
): Promise<unknown> {
  try {
    const { method = '' } = request
    if (collection === undefined && method === 'GET')
      return { freeBytes: await volumes.freeBytes(), volumes: await volumes.volumes(), snapshots: await volumes.snapshots() }
    if (collection !== 'volumes' && collection !== 'snapshots') throw noSuchPath
    if (!isVolumeId(id)) throw new VolumeRefused('invalid', 'an id has lower case letters, digits and dashes')
    switch (`${method} ${collection}${operation === undefined ? '' : ` ${operation}`}`) {
      case 'PUT volumes':
        return await volumes.ensure(scope, id, readWish(await bodyOf(request)))
      case 'POST volumes keep':
        return await volumes.keep(id)
      case 'POST volumes expand': {
        const { sizeBytes } = (await bodyOf(request)) as { readonly sizeBytes?: unknown }
        return await volumes.expand(scope, id, readSize(sizeBytes))
      }
      case 'DELETE volumes':
        await volumes.remove(id)
        return {}
      case 'PUT snapshots': {
        const { volume } = (await bodyOf(request)) as { readonly volume?: unknown }
        if (typeof volume !== 'string' || !isVolumeId(volume)) throw new VolumeRefused('invalid', 'volume is the id of a volume')
        return await volumes.takeSnapshot(scope, id, volume)
      }
      case 'DELETE snapshots':
        await volumes.removeSnapshot(id)
        return {}
      default:
        throw noSuchPath
    }
  } catch (error) {
    if (error instanceof VolumeRefused) throw new StatusError({ ...REFUSALS[error.refusal], message: error.message })
    throw error
  }
}

const noSuchPath = new StatusError({ code: 404, reason: 'NotFound', message: 'the node has no such path for storage' })

async function bodyOf(request: IncomingMessage): Promise<object> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) throw statusError.badRequest(`the body has more than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}')
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below.
  }
  throw new VolumeRefused('invalid', 'the body is a JSON object')
}
