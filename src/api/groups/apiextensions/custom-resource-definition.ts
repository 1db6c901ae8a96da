import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import * as refs from '../../refs.gen.ts'
import type { CustomResourceDefinition } from '../../types/apiextensions-v1.gen.ts'
import { definitionWarnings } from './format-warnings.ts'
import { definitionNameErrors, validateDefinition, validateDefinitionUpdate } from './validate-definition.ts'

const HTTPS_PORT = 443

export const customResourceDefinitions = defineResource(refs.customresourcedefinitions, {
  strategy: {
    anyFinalizer: true,
    unconditionalUpdate: false,
    validateName: definitionNameErrors,
    generation: (definition, old) => !deepEqual(definition.spec, old.spec),
    defaults,
    prepareForCreate(definition) {
      definition.status = {}
      noteStoredVersion(definition)
    },
    prepareForUpdate(definition, old) {
      if (old.status === undefined) delete definition.status
      else definition.status = { ...old.status }
      noteStoredVersion(definition)
    },
    validate: validateDefinition,
    validateUpdate: validateDefinitionUpdate,
    warnings: (definition) => definitionWarnings(definition),
  },
})

function defaults(definition: CustomResourceDefinition): void {
  const { spec } = definition
  const { names } = spec
  if ((names.singular ?? '') === '') names.singular = names.kind.toLowerCase()
  if ((names.listKind ?? '') === '' && names.kind !== '') names.listKind = `${names.kind}List`
  spec.conversion ??= { strategy: 'None' }
  const service = spec.conversion.webhook?.clientConfig?.service
  if (service !== undefined) service.port ??= HTTPS_PORT
  // Only the words `true` and absence are kept.
  if (spec.preserveUnknownFields === false) delete spec.preserveUnknownFields
  if (definition.status !== undefined && (definition.status.storedVersions ?? []).length === 0) noteStoredVersion(definition)
}

/** Every version that objects have ever been stored in is written down, until somebody has migrated them. */
function noteStoredVersion(definition: CustomResourceDefinition): void {
  const storage = definition.spec.versions.find((version) => version.storage)
  const stored = definition.status?.storedVersions ?? []
  if (storage === undefined || stored.includes(storage.name)) return
  definition.status = { ...definition.status, storedVersions: [...stored, storage.name] }
}
