import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, bootstrapFlowControl, deepEqual, isAlreadyExists, isConflict, isNotFound, refs } from '#api'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import { ownWorker } from '../registry/own-worker.ts'
import type { Follow } from '../registry/read/follow.ts'

const { annotation: AUTO_UPDATE } = bootstrapFlowControl
const MANAGER = 'api-priority-and-fairness-config-producer-v1'

/**
 * Keeps the flow schemas and priority levels that every cluster has: what is missing is made again, what nobody has taken over is brought
 * up to date, what was one of them once and is none any more goes. Resolves when all are there.
 */
export async function keepFlowControlDefaults(scope: Scope, reader: ObjectReader, writer: ObjectWriter, follow: Follow): Promise<void> {
  const run = (): Promise<void> => ensureAll(scope, reader, writer)
  await run()
  const worker = ownWorker(scope, 'to keep the default flow schemas and priority levels', run)
  for (const ref of [refs.flowschemas, refs.prioritylevelconfigurations]) follow(scope, ref, () => worker.schedule())
}

async function ensureAll(scope: Scope, reader: ObjectReader, writer: ObjectWriter): Promise<void> {
  const suggested = bootstrapFlowControl.suggested()
  const mandatory = bootstrapFlowControl.mandatory()
  await ensureKind(scope, reader, writer, refs.prioritylevelconfigurations, suggested.priorityLevels, mandatory.priorityLevels)
  await ensureKind(scope, reader, writer, refs.flowschemas, suggested.flowSchemas, mandatory.flowSchemas)
}

type Configuration = KubeObject & { spec?: unknown }

async function ensureKind<T extends Configuration>(
  scope: Scope,
  reader: ObjectReader,
  writer: ObjectWriter,
  ref: ResourceRef<T>,
  suggested: readonly T[],
  mandatory: readonly T[],
): Promise<void> {
  await Promise.all([
    ...suggested.map((wanted) => ensure(scope, reader, writer, ref, wanted, false)),
    ...mandatory.map((wanted) => ensure(scope, reader, writer, ref, wanted, true)),
  ])
  const names = new Set([...suggested, ...mandatory].map(({ metadata }) => metadata?.name))
  for (const { metadata } of reader.list(ref)) {
    if (names.has(metadata?.name) || isAutomatic(metadata?.annotations?.[AUTO_UPDATE]) !== true) continue
    await writer.delete(scope, ref, '', metadata?.name ?? '').catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
}

async function ensure<T extends Configuration>(
  scope: Scope,
  reader: ObjectReader,
  writer: ObjectWriter,
  ref: ResourceRef<T>,
  wanted: T,
  isMandatory: boolean,
): Promise<void> {
  const stored = reader.get(ref, '', wanted.metadata?.name ?? '')
  try {
    if (stored === undefined) await writer.create(scope, ref, wanted, MANAGER)
    else {
      const revised = revise(stored, wanted, isMandatory)
      if (revised !== undefined) await writer.update(scope, ref, revised, MANAGER)
    }
  } catch (error) {
    // Somebody else was faster: the change that this was comes by here again.
    if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error
  }
}

/** The stored object as it should be; undefined when it is so. Its annotation says whether its spec is kept; without one, that nobody has changed it. */
export function revise<T extends Configuration>(stored: T, wanted: T, isMandatory: boolean): T | undefined {
  const said = isAutomatic(stored.metadata?.annotations?.[AUTO_UPDATE])
  const isKept = isMandatory || (said ?? stored.metadata?.generation === 1)
  const changes = isKept && !deepEqual(stored.spec, wanted.spec)
  if (!changes && said === isKept) return undefined
  const annotations = { ...stored.metadata?.annotations, [AUTO_UPDATE]: String(isKept) }
  return { ...stored, spec: changes ? wanted.spec : stored.spec, metadata: { ...stored.metadata, annotations } }
}

const TRUE: readonly string[] = ['1', 't', 'T', 'true', 'TRUE', 'True']
const FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'FALSE', 'False']

/** Undefined when it says neither. */
function isAutomatic(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : TRUE.includes(text) ? true : FALSE.includes(text) ? false : undefined
}
