import { type Scope, rfc3339 } from '#base'
import { type flowcontrol, isNotFound, refs } from '#api'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import { ownWorker } from '../registry/own-worker.ts'
import type { Follow } from '../registry/read/follow.ts'

type Condition = flowcontrol.FlowSchemaCondition
const DANGLING = 'Dangling'
const MANAGER = 'api-priority-and-fairness-config-consumer-v1'

/** Says in the status of flow schemas whether the priority level that they name is there. */
export function watchDangling(scope: Scope, reader: ObjectReader, writer: ObjectWriter, follow: Follow): void {
  const worker = ownWorker(scope, 'to check the flow schemas', async () => {
    await Promise.all(reader.list(refs.flowschemas).map((schema) => check(scope, reader, writer, schema)))
  })
  for (const ref of [refs.flowschemas, refs.prioritylevelconfigurations]) follow(scope, ref, () => worker.schedule())
  worker.schedule()
}

async function check(scope: Scope, reader: ObjectReader, writer: ObjectWriter, schema: flowcontrol.FlowSchema): Promise<void> {
  const before = conditionOf(schema)
  const level = schema.spec?.priorityLevelConfiguration.name ?? ''
  const isThere = reader.get(refs.prioritylevelconfigurations, '', level) !== undefined
  const names = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  const next = isThere
    ? { status: 'False', reason: 'Found', message: `${names} and it exists` }
    : { status: 'True', reason: 'NotFound', message: `${names} but there is no such object` }
  if (before?.status === next.status && before.reason === next.reason && before.message === next.message) return
  const now = rfc3339(scope.clock.now())
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? now) : now
  const status = { conditions: [{ type: DANGLING, ...next, lastTransitionTime }] }
  await writer.applyStatus(scope, refs.flowschemas, schema.metadata?.name ?? '', MANAGER, status).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
  })
}

function conditionOf({ status }: flowcontrol.FlowSchema): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === DANGLING)
}
