import { builtInSchema } from '#api'
import type { VirtualResource } from '../contract.ts'
import { objectBytesAnswer } from '../respond/objects.ts'
import { admissionOfCreate, mutate, validateAdmission } from './write/admit.ts'
import { qualifiedName } from './core.ts'
import type { SpecialHandler } from './special-handler.ts'
import { noteSpoken, noteUpdate } from './write/managed.ts'
import { settleNamespace, validateNew } from './write/object-rules.ts'
import { writeOptions } from './options.ts'
import { type ExpectedKind, readObject } from './write/read-object.ts'
import { requestBody } from './write/write.ts'

/** Where a virtual resource is served. */
export function virtualKey(virtual: VirtualResource): string {
  return virtual.subresource === undefined ? qualifiedName(virtual.ref) : `${qualifiedName(virtual.ref)}/${virtual.subresource}`
}

/** Serves a kind that is answered and not stored: POST reads the object, admission sees it, the answer is encoded. */
export function virtualHandler(virtual: VirtualResource): SpecialHandler {
  return async (context, { resource, subresource, namespace, name }) => {
    context.acceptedUntabled()
    const spoken = subresource === '' ? undefined : speaks(resource.subresources[subresource])
    const expected: ExpectedKind =
      spoken === undefined ? resource : { ...spoken, schema: builtInSchema(spoken.group, spoken.version, spoken.kind) }
    const options = writeOptions(context.info.query, 'CreateOptions')
    const { bytes, encoding } = await requestBody(context)
    const draft = readObject(context, expected, bytes, encoding, options.fieldValidation)
    if (resource.namespaced) settleNamespace(resource, draft, namespace)
    if (subresource === '') resource.strategy.defaults?.(draft)
    virtual.defaults?.(draft)
    const request = admissionOfCreate(context, { resource, subresource, namespace, name }, draft, options.dryRun)
    await mutate(context, request)
    if (subresource === '' && resource.strategy.validate !== undefined) validateNew(resource, draft)
    await validateAdmission(context, request)
    if (subresource === '') noteUpdate(context, resource, undefined, draft, options.fieldManager, '')
    else noteSpoken(context, expected, draft, options.fieldManager, subresource)
    const answered = await virtual.create(context.scope, { user: context.user, namespace, name, dryRun: options.dryRun }, draft)
    return objectBytesAnswer(context, expected.schema, 201, answered)
  }
}

function speaks(subresource: unknown): { readonly group: string; readonly version: string; readonly kind: string } | undefined {
  if (typeof subresource !== 'object' || subresource === null || !('speaks' in subresource)) return undefined
  return subresource.speaks as { readonly group: string; readonly version: string; readonly kind: string } | undefined
}
