import { deepEqual, isJsonObject, type JsonObject, setMember } from '../meta/deep.ts'
import type { KubeObject } from '../meta/object.ts'
import { statusError } from '../meta/status.ts'
import type { ScaleSubresource, StatusSubresource, Subresource } from '../resource.ts'
import type { CustomResourceSubresourceScale } from '../types/apiextensions-v1.gen.ts'
import { parseJsonPath } from './json-path.ts'
import { type StrategySource, validateStatusUpdate } from './strategy.ts'

/** `source` is asked when a rule is needed. */
export function customSubresources(
  has: { readonly hasStatus: boolean; readonly scale: CustomResourceSubresourceScale | undefined },
  source: () => StrategySource,
): Readonly<Record<string, Subresource<KubeObject>>> {
  return {
    ...(has.hasStatus ? { status: statusSubresource(source) } : {}),
    ...(has.scale === undefined ? {} : { scale: scaleSubresource(has.scale) }),
  }
}

/** A status update keeps everything of the object but its status: labels and annotations too. */
function statusSubresource(source: () => StrategySource): StatusSubresource<KubeObject> {
  return {
    type: 'status',
    prepareForUpdate(draft, old) {
      const next = draft as JsonObject
      const before = old as JsonObject
      const managers = draft.metadata?.managedFields
      const resourceVersion = draft.metadata?.resourceVersion
      const { managedFields: _, ...metadata } = old.metadata ?? {}
      for (const name of new Set([...Object.keys(next), ...Object.keys(before)])) {
        if (name === 'status' || name === 'metadata') continue
        if (before[name] === undefined) delete next[name]
        else setMember(next, name, before[name])
      }
      draft.metadata = { ...metadata, ...(managers === undefined ? {} : { managedFields: managers }), resourceVersion }
    },
    validateUpdate: (object, old, errors, warn) => validateStatusUpdate(source(), object, old, errors, warn),
  }
}

function scaleSubresource(paths: CustomResourceSubresourceScale): ScaleSubresource<KubeObject> {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = paths
  return {
    type: 'scale',
    replicas: (object) => numberAt(object, specReplicasPath) ?? 0,
    statusReplicas: (object) => numberAt(object, statusReplicasPath) ?? 0,
    selector(object) {
      const value = labelSelectorPath === undefined ? undefined : valueAt(object, labelSelectorPath)
      return typeof value === 'string' ? value : ''
    },
    setReplicas: (draft, replicas) => setAt(draft, specReplicasPath, replicas),
    checkReadable(object) {
      if (valueAt(object, specReplicasPath) === undefined)
        throw statusError.internal(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`)
    },
  }
}

export function valueAt(object: unknown, path: string): unknown {
  return parseJsonPath(path)?.find(object)[0]
}

function numberAt(object: unknown, path: string): number | undefined {
  const value = valueAt(object, path)
  return typeof value === 'number' ? value : undefined
}

/** Sets a value below objects, which are made where they are missing. These paths have names only. */
function setAt(draft: KubeObject, path: string, value: unknown): void {
  const names = path.split('.').filter((name) => name !== '')
  const last = names.pop()
  if (last === undefined) return
  let holder = draft as JsonObject
  for (const name of names) {
    const next = holder[name]
    const inner: JsonObject = isJsonObject(next) ? next : {}
    if (inner !== next) setMember(holder, name, inner)
    holder = inner
  }
  if (!deepEqual(holder[last], value)) setMember(holder, last, value)
}
