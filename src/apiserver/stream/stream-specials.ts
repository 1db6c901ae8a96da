import type { SpecialHandler } from '../registry/special-handler.ts'
import { Backends, type NodeCredentials } from './backend.ts'
import { podLog } from './pod-log.ts'
import { podSession } from './pod-session.ts'
import { proxy } from './proxy.ts'

export interface StreamOptions {
  readonly credentials: NodeCredentials
  /** Whether a node's address may be dialled. Default: not this machine's own, not the link's. */
  readonly isAllowed?: (ip: string) => boolean
}

/** What the API server passes on to nodes, pods and services, by the handlers' names. */
export function streamSpecials({ credentials, isAllowed }: StreamOptions): Readonly<Record<string, SpecialHandler>> {
  const nodes = { backends: new Backends(credentials), ...(isAllowed && { isAllowed }) }
  return {
    'pods/log': podLog(nodes),
    'pods/exec': podSession(nodes, 'exec'),
    'pods/attach': podSession(nodes, 'attach'),
    'pods/portforward': podSession(nodes, 'portforward'),
    'pods/proxy': proxy(nodes, 'pods'),
    'services/proxy': proxy(nodes, 'services'),
    'nodes/proxy': proxy(nodes, 'nodes'),
  }
}
