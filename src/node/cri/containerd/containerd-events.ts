import { fromBinary } from '@bufbuild/protobuf'
import type { Scope } from '#base'
import { type RuntimeEvent } from '../runtime.ts'
import type { Channel } from '../grpc/channel.ts'
import { methodsOf } from '../grpc/descriptors.ts'

/** containerd's own event service; CRI has one only since containerd 1.7. Field numbers of api/services/events/v1 and api/events. */
const SERVICE_TABLE = {
  SubscribeRequest: { filters: [1, 'string', 'repeated'] },
  Timestamp: { seconds: [1, 'int64'], nanos: [2, 'int32'] },
  Any: { type_url: [1, 'string'], value: [2, 'bytes'] },
  Envelope: { timestamp: [1, 'Timestamp'], namespace: [2, 'string'], topic: [3, 'string'], event: [4, 'Any'] },
  TaskExit: { container_id: [1, 'string'], id: [2, 'string'], pid: [3, 'uint32'], exit_status: [4, 'uint32'], exited_at: [5, 'Timestamp'] },
  TaskOOM: { container_id: [1, 'string'] },
  Events: {
    service: {
      Subscribe: ['SubscribeRequest', 'Envelope', 'server-stream'],
      Exit: ['SubscribeRequest', 'TaskExit', ''],
      Oom: ['SubscribeRequest', 'TaskOOM', ''],
    },
  },
} as const

interface Envelope {
  readonly topic: string
  readonly event?: { readonly typeUrl: string; readonly value: Uint8Array }
}
interface TaskExit {
  readonly containerId: string
  readonly id: string
  readonly exitStatus: number
  readonly exitedAt?: { readonly seconds: bigint; readonly nanos: number }
}

/** Exits and out-of-memory kills of the CRI's containers and sandboxes, as they happen. Ends with the scope or throws. */
export async function* containerdEvents(scope: Scope, channel: Channel): AsyncIterable<RuntimeEvent> {
  const methods = methodsOf('containerd.services.events.v1', SERVICE_TABLE)
  const subscribe = methods.get('Events/Subscribe')
  const exit = methods.get('Events/Exit').output
  const oom = methods.get('Events/Oom').output
  const filters = ['topic=="/tasks/exit"', 'topic=="/tasks/oom"'].map((topic) => `namespace==k8s.io,${topic}`)
  for await (const message of channel.stream(scope, subscribe, { filters }, { headers: { 'containerd-namespace': 'k8s.io' } })) {
    const { topic, event } = message as Envelope
    if (event === undefined) continue
    if (topic === '/tasks/oom') {
      yield { type: 'oom', containerId: (fromBinary(oom, event.value) as unknown as { containerId: string }).containerId }
      continue
    }
    const gone = fromBinary(exit, event.value) as unknown as TaskExit
    // Exits of exec'd processes carry their own id; only the first process's end is the container's.
    if (gone.id !== gone.containerId) continue
    const atMs = Number(gone.exitedAt?.seconds ?? 0n) * 1000 + (gone.exitedAt?.nanos ?? 0) / 1e6
    yield { type: 'exit', containerId: gone.containerId, sandboxId: undefined, exitCode: gone.exitStatus, atMs }
  }
}
