import { type FieldErrors, type KubeObject, Path, invalidText, qualifiedNameErrors, validateStandardFinalizer } from '#api'
import { objectAnswer } from '../../respond/objects.ts'
import type { SpecialHandler } from '../special-handler.ts'
import { noteUpdate } from '../write/managed.ts'
import { checkName, metaOf } from '../write/object-rules.ts'
import { writeOptions } from '../options.ts'
import { readObject } from '../write/read-object.ts'
import { updateObject } from '../write/update.ts'
import type { Views } from '../views.ts'
import { requestBody } from '../write/write.ts'

interface NamespaceObject extends KubeObject {
  spec?: { finalizers?: readonly string[] }
  status?: unknown
}

/** `PUT namespaces/<name>/finalize`: whoever has emptied a namespace takes its name out of `spec.finalizers`. Nothing else changes but metadata. */
export function namespaceFinalize(views: Views): SpecialHandler {
  return async (context, { resource, name }) => {
    context.hasTables = false
    context.accepted(false)
    const view = views.of(resource)
    const options = writeOptions(context.info.query, 'UpdateOptions')
    const { bytes, encoding } = await requestBody(context)
    const read = readObject(context, resource, bytes, encoding, options.fieldValidation)
    checkName(read, name)
    const uid = metaOf(read).uid
    const written = await updateObject(context, {
      view,
      namespace: '',
      name,
      subresource: 'finalize',
      options,
      optionsKind: 'UpdateOptions',
      uid: uid === '' ? undefined : uid,
      creates: false,
      next: (old) => {
        const draft = structuredClone(read)
        noteUpdate(context, resource, old, draft, options.fieldManager, 'finalize')
        return draft
      },
      rules: { prepare: keepStatus, validate: validateFinalizers },
    })
    return objectAnswer(context, view, 200, { bytes: written.bytes, object: () => written.object })
  }
}

function keepStatus(draft: NamespaceObject, old: NamespaceObject): void {
  draft.status = old.status
}

function validateFinalizers(namespace: NamespaceObject, _old: NamespaceObject, errors: FieldErrors): void {
  const path = Path.of('spec', 'finalizers')
  for (const [at, finalizer] of (namespace.spec?.finalizers ?? []).entries()) {
    invalidText(finalizer, qualifiedNameErrors(finalizer), path.index(at), errors)
    validateStandardFinalizer(finalizer, path.index(at), errors)
  }
}
