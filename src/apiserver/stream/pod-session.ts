import { type KubeObject, type core, refs, statusError } from '#api'
import { admissionRequest, mutate, validateAdmission } from '../registry/write/admit.ts'
import type { RequestContext } from '../registry/context.ts'
import type { SpecialHandler, SpecialTarget } from '../registry/special-handler.ts'
import { flag } from './log-options.ts'
import { nodeAddress } from './node-address.ts'
import { authorizeUpgrade, isUpgrade, passUpgrade } from './pass-upgrade.ts'
import { chosenContainer, pathOf } from './pod-container.ts'
import type { ToNodes } from './pod-log.ts'
import { storedObject } from './stored-object.ts'

export type SessionKind = 'exec' | 'attach' | 'portforward'

/** How the API names a stream, and how the node does. */
const STREAM_FLAGS = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const
const OPTIONS_KIND: Readonly<Record<SessionKind, string>> = {
  exec: 'PodExecOptions',
  attach: 'PodAttachOptions',
  portforward: 'PodPortForwardOptions',
}

/** `pods/exec`, `pods/attach` and `pods/portforward`: a connection to the pod's node, whatever protocol the two agree on. */
export function podSession({ backends, isAllowed }: ToNodes, kind: SessionKind): SpecialHandler {
  return async (context, target) => {
    if (isUpgrade(context)) await authorizeUpgrade(context)
    const { namespace, name } = target
    const { query } = context.info
    const pod = await storedObject(context, refs.pods, namespace, name)
    await admit(context, target, OPTIONS_KIND[kind])
    const container = kind === 'portforward' ? '' : chosenContainer(pod, query.get('container') ?? '')
    const node = pod.spec?.nodeName ?? ''
    if (node === '') throw statusError.badRequest(`pod ${name} does not have a host assigned`)
    if (!isUpgrade(context)) throw statusError.badRequest('Upgrade request required')
    const at = nodeAddress(await storedObject(context, refs.nodes, '', node), isAllowed)
    return passUpgrade(context, backends, { kind: 'node', at, verified: true }, pathAt(kind, pod, container, query))
  }
}

/** The pod's uid is in the path: a pod of the same name that came later is another one. */
function pathAt(kind: SessionKind, { metadata }: core.Pod, container: string, query: URLSearchParams): string {
  const { namespace = '', name = '', uid = '' } = metadata ?? {}
  const passed = new URLSearchParams()
  if (kind === 'portforward') {
    const ports = query.getAll('ports').join(',')
    if (ports !== '') passed.set('port', ports)
    return withQuery(`/portForward${pathOf(namespace, name, uid)}`, passed)
  }
  for (const [ours, theirs] of STREAM_FLAGS) if (flag(query, ours)) passed.set(theirs, '1')
  if (kind === 'exec') for (const word of query.getAll('command')) passed.append('command', word)
  return withQuery(`/${kind}${pathOf(namespace, name, uid, container)}`, passed)
}

const withQuery = (path: string, query: URLSearchParams): string => (query.size === 0 ? path : `${path}?${query}`)

/** Admission sees what is asked for as an object of its own. */
async function admit(context: RequestContext, { resource, subresource, namespace, name }: SpecialTarget, kind: string): Promise<void> {
  const { query } = context.info
  const options = {
    kind,
    apiVersion: 'v1',
    ...(kind === 'PodPortForwardOptions'
      ? { ports: query.getAll('ports').map(Number) }
      : {
          ...Object.fromEntries(STREAM_FLAGS.map(([ours]) => [ours, flag(query, ours)])),
          container: query.get('container') ?? '',
          ...(kind === 'PodExecOptions' ? { command: query.getAll('command') } : {}),
        }),
  }
  const request = admissionRequest(context, {
    operation: 'CONNECT',
    resource,
    subresource,
    namespace,
    name,
    dryRun: false,
    object: options as KubeObject,
    old: undefined,
    options: {},
  })
  await mutate(context, request)
  await validateAdmission(context, request)
}
