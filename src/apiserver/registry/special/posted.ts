import type { HttpResponse } from '#base'
import { type KubeObject, type Status, StatusError, builtInSchema } from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import { encoded } from '../../respond/objects.ts'
import { statusProtobuf } from '../../respond/refusal.ts'
import { admissionOfCreate, mutate } from '../write/admit.ts'
import type { RequestContext } from '../context.ts'
import type { SpecialTarget } from '../special-handler.ts'
import { settleNamespace } from '../write/object-rules.ts'
import { type WriteOptions, writeOptions } from '../options.ts'
import { type ExpectedKind, readObject } from '../write/read-object.ts'
import { requestBody } from '../write/write.ts'

export interface Posted {
  readonly draft: KubeObject
  readonly options: WriteOptions
  /** For the validating half of admission, once the handler's own rules are passed. */
  readonly request: AdmissionRequest
}

export const BINDING = kindOf('', 'v1', 'Binding')
export const EVICTION: ExpectedKind = { ...kindOf('policy', 'v1', 'Eviction'), formerVersions: ['v1beta1'] }

function kindOf(group: string, version: string, kind: string): ExpectedKind {
  return { group, version, kind, schema: builtInSchema(group, version, kind) }
}

/** What a POST to a subresource wants: read, in its namespace, seen by mutating admission. */
export async function readPosted(context: RequestContext, target: SpecialTarget, expected: ExpectedKind): Promise<Posted> {
  context.acceptedUntabled()
  const options = writeOptions(context.info.query, 'CreateOptions')
  const { bytes, encoding } = await requestBody(context)
  const draft = readObject(context, expected, bytes, encoding, options.fieldValidation)
  settleNamespace(target.resource, draft, target.namespace)
  const request = admissionOfCreate(context, target, draft, options.dryRun)
  await mutate(context, request)
  return { draft, options, request }
}

export function createdAnswer(context: RequestContext): HttpResponse {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
  const accepted = { ...context.accepted(false), form: 'object' } as const
  return encoded(context, accepted, status.code, Buffer.from(JSON.stringify(status)), () => statusProtobuf(status as KubeObject))
}

/** A refusal without a reason, as upstream gives for errors that it has not made Status of. */
export function plainFailure(message: string): StatusError {
  return new StatusError({ code: 500, message })
}
