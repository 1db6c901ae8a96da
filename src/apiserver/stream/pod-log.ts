import type { HttpResponse } from '#base'
import { refs } from '#api'
import type { SpecialHandler } from '../registry/special-handler.ts'
import type { Backends } from './backend.ts'
import { podLogOptions } from './log-options.ts'
import { logMessages } from './log-messages.ts'
import { type NodeAddress, nodeAddress } from './node-address.ts'
import { bodyOf, refusalOf } from './pass-answer.ts'
import { isUpgrade } from './pass-upgrade.ts'
import { chosenContainer, pathOf } from './pod-container.ts'
import { storedObject } from './stored-object.ts'

export interface ToNodes {
  readonly backends: Backends
  /** Whether a node's address may be dialled. Default: not this machine's own, not the link's. */
  readonly isAllowed?: (ip: string) => boolean
}

/** GET of `pods/log`: passed on from the pod's node, as it comes. The log of a pod without a node is empty. */
export function podLog({ backends, isAllowed }: ToNodes): SpecialHandler {
  return async (context, { namespace, name }): Promise<HttpResponse> => {
    // Whatever is accepted, a log is plain text; but a client that would take nothing of what refusals come in is told so first.
    const accept = context.header('accept') ?? ''
    if (accept !== '') context.core.negotiator.acceptUntabled(accept, ['text/plain'])
    const options = podLogOptions(context.info.query, name)
    const pod = await storedObject(context, refs.pods, namespace, name)
    const container = chosenContainer(pod, options.container)
    const node = pod.spec?.nodeName ?? ''
    if (node === '') return { status: 204, headers: {}, body: { kind: 'empty' } }
    const at: NodeAddress = nodeAddress(await storedObject(context, refs.nodes, '', node), isAllowed)
    const query = options.query.toString()
    const path = `/containerLogs${pathOf(namespace, name, container)}${query === '' ? '' : `?${query}`}`
    const answer = await backends.send(
      context.scope,
      { kind: 'node', at, verified: options.verifiesBackend },
      { method: 'GET', path, headers: {} },
    )
    if (answer.statusCode !== 200) throw await refusalOf(answer, { plural: 'pods', name })
    if (isUpgrade(context)) return logMessages(context, answer)
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: bodyOf(answer) }
  }
}
