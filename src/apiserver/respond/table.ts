import { type KubeObject, type Resource } from '#api'
import type { Entry } from '../watchcache/entry.ts'
import { endOfValue, metadataOffset } from '../watchcache/stored/wire.ts'

/** What of the object itself stands in a row of a table. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** `{"kind":"PartialObjectMetadata",…,"metadata":{…}}`, cut from an object's bytes. */
export function partialBytes(resource: Pick<Resource, 'fieldAnnotations'>, bytes: Buffer, version: string): Buffer {
  const start = metadataOffset(bytes) + '"metadata":'.length
  const end = endOfValue(bytes, start)
  if (resource.fieldAnnotations !== undefined) {
    const metadata = JSON.parse(bytes.toString('utf8', start, end)) as NonNullable<KubeObject['metadata']>
    for (const name of resource.fieldAnnotations) delete metadata.annotations?.[name]
    if (metadata.annotations !== undefined && Object.keys(metadata.annotations).length === 0) delete metadata.annotations
    return Buffer.from(JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata }))
  }
  const head = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":`
  const out = Buffer.allocUnsafeSlow(head.length + (end - start) + 1)
  out.write(head, 0, 'latin1')
  bytes.copy(out, head.length, start, end)
  out[out.length - 1] = 0x7d
  return out
}

export function tableColumns(resource: Resource): unknown[] {
  return resource.columns.map(({ name, type, format, description, priority }) => ({ name, type, format, description, priority }))
}

/** One row as JSON. */
export function tableRow(
  resource: Resource,
  object: KubeObject,
  bytes: Buffer,
  include: IncludeObject,
  version: string,
  nowMs: number,
): string {
  const cells = resource.columns.map((column) => column.cell(object, nowMs))
  if (resource.trailingCell !== undefined) cells.push(resource.trailingCell(object, nowMs))
  return rowText(resource, cells, bytes, include, version)
}

export function rowText(
  resource: Pick<Resource, 'fieldAnnotations'>,
  cells: readonly unknown[],
  bytes: Buffer,
  include: IncludeObject,
  version: string,
): string {
  const shown = include === 'None' ? 'null' : include === 'Object' ? bytes.toString() : partialBytes(resource, bytes, version).toString()
  return `{"cells":${JSON.stringify(cells)},"object":${shown}}`
}

export function tableHead(
  version: string,
  resourceVersion: string,
  more: { readonly continue: string; readonly remaining: number | undefined },
  columns: unknown[] | undefined,
): string {
  const metadata = {
    ...(resourceVersion === '' ? {} : { resourceVersion }),
    ...(more.continue === '' ? {} : { continue: more.continue }),
    ...(more.remaining === undefined ? {} : { remainingItemCount: more.remaining }),
  }
  // Events after the first one carry no columns.
  return `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns === undefined ? 'null' : JSON.stringify(columns)},"rows":[`
}

export interface RowSource {
  object(entry: Entry): KubeObject
  bytes(entry: Entry): Buffer
}
