import { deepEqual, type JsonObject, setMember } from '../meta/deep.ts'
import type { FieldErrors } from '../meta/field-error.ts'
import type { KubeObject } from '../meta/object.ts'
import type { Strategy } from '../resource.ts'
import type { CustomResourceSubresourceScale } from '../types/apiextensions-v1.gen.ts'
import type { JsonSchema } from './json-schema.ts'
import { settleNulls } from './nulls.ts'

/** What the rules of a custom resource are made from. */
export interface StrategySource {
  readonly rules: JsonSchema
  readonly hasStatus: boolean
  readonly scale: CustomResourceSubresourceScale | undefined
}

export function customStrategy(source: StrategySource): Strategy<KubeObject> {
  const { rules, hasStatus } = source
  return {
    unconditionalUpdate: false,
    generation: (object, old) => isWantedChange(object, old, hasStatus),
    defaults: (draft) => settleNulls(draft, rules),
    prepareForCreate(draft) {
      if (hasStatus) delete (draft as JsonObject)['status']
    },
    prepareForUpdate(draft, old) {
      if (!hasStatus) return
      const status = (old as JsonObject)['status']
      if (status === undefined) delete (draft as JsonObject)['status']
      else setMember(draft as JsonObject, 'status', status)
    },
  }
}

/** All but metadata is wanted, and the status too where it has no path of its own. */
function isWantedChange(object: KubeObject, old: KubeObject, hasStatus: boolean): boolean {
  const wanted = ({ metadata: _, ...rest }: JsonObject): JsonObject => {
    if (hasStatus) delete rest['status']
    return rest
  }
  return !deepEqual(wanted(object as JsonObject), wanted(old as JsonObject))
}

export function validateStatusUpdate(_source: StrategySource, _object: KubeObject, _old: KubeObject, _errors: FieldErrors): void {}
