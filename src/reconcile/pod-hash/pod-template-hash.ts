import { type ObjectSchema, type core, schemaOf } from '#api'
import { digitsAsLetters } from '../workloads/template-hash.ts'
import { printStruct } from './go-print.ts'

/**
 * The hash that names the ReplicaSet of a Deployment's template and the revision of a DaemonSet's, the very one of Kubernetes: FNV-1a over the template as Go prints it, and over how often the name
 * was taken by something else.
 */
export function podTemplateHash(template: core.PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5
  const add = (bytes: Uint8Array): void => {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  add(Buffer.from(printTemplate(template)))
  if (collisionCount !== undefined) add(new Uint8Array(BigUint64Array.of(BigInt(collisionCount)).buffer))
  return digitsAsLetters(hash)
}

/** The template as kube-controller-manager holds it, printed. */
export function printTemplate(template: core.PodTemplateSpec): string {
  const schema = schemaOf('', 'v1', 'PodTemplate')?.fields.get('template')?.schema as ObjectSchema
  return printStruct(schema, 'v1.PodTemplateSpec', template)
}
