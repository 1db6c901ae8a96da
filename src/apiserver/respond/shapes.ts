import { type KubeObject, type Resource, apiVersionOf, encodeObject } from '#api'
import type { View } from '../registry/view.ts'
import type { Entry } from '../watchcache/entry.ts'
import { type EventType, type Shape, jsonEvent, jsonLine } from '../watchcache/frames.ts'
import { type IncludeObject, partialBytes, tableColumns, tableHead, tableRow } from './table.ts'

/** How watches show the objects of a view, in JSON. */

export function objectShape(view: View): Shape {
  const { resource } = view
  const native = resource.conversion === undefined
  return {
    id: native ? '' : `${resource.group}/${resource.version}`,
    event: (type, entry, bytes) => jsonEvent(type, native ? bytes : view.render(convert(view, entry, bytes))),
    prepare: (scope, entry) => view.prepare(scope, [entry]),
    bookmark: (revision, end) =>
      jsonEvent(
        'BOOKMARK',
        Buffer.from(encodeObject(resource.schema, bookmarkObject(resource, revision, end), { keepResourceVersion: true }).bytes),
      ),
    error: (status) => jsonLine('ERROR', status),
  }
}

/** The object of stored bytes in the version of the view. */
export function convert(view: View, entry: Entry, bytes: Buffer): KubeObject {
  const stored = JSON.parse(bytes.toString()) as KubeObject
  if (view.resource.conversion?.webhook !== undefined) {
    const { resourceVersion } = stored.metadata ?? {}
    const object = view.object(entry)
    return { ...object, metadata: { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } }
  }
  return view.resource.conversion?.fromStored(stored) ?? stored
}

export function bookmarkObject(resource: Resource, revision: number, endOfInitialEvents: boolean): KubeObject {
  return { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata: bookmarkMetadata(revision, endOfInitialEvents) }
}

function bookmarkMetadata(revision: number, endOfInitialEvents: boolean): NonNullable<KubeObject['metadata']> {
  return { resourceVersion: String(revision), ...(endOfInitialEvents ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}) }
}

export function partialShape(view: View, version: string): Shape {
  return {
    id: `partial/${version}`,
    event: (type, _entry, bytes) => jsonEvent(type, partialBytes(view.resource, bytes, version)),
    bookmark: (revision, end) =>
      jsonLine('BOOKMARK', {
        kind: 'PartialObjectMetadata',
        apiVersion: `meta.k8s.io/${version}`,
        metadata: bookmarkMetadata(revision, end),
      }),
    error: (status) => jsonLine('ERROR', status),
  }
}

/** The first event of a watch says what the columns are, the others do not. */
export function tableShape(view: View, version: string, include: IncludeObject, now: () => number): Shape {
  const rest = tableEvents(view, version, include, now, undefined)
  return { ...tableEvents(view, version, include, now, tableColumns(view.resource)), next: rest }
}

function tableEvents(view: View, version: string, include: IncludeObject, now: () => number, columns: unknown[] | undefined): Shape {
  const { resource } = view
  const table = (object: KubeObject, bytes: Buffer): Buffer => {
    const resourceVersion = object.metadata?.resourceVersion ?? ''
    const head = tableHead(version, resourceVersion, { continue: '', remaining: undefined }, columns)
    return Buffer.from(`${head}${tableRow(resource, object, bytes, include, version, now())}]}`)
  }
  return {
    // Ages are part of the cells, so a frame is shared only among those who are served at the same time.
    id: `table/${resource.version}/${version}/${include}/${columns === undefined ? 'rest' : 'first'}`,
    prepare: (scope, entry) => view.prepare(scope, [entry]),
    event: (type: EventType, entry: Entry, bytes: Buffer) => {
      const object = convert(view, entry, bytes)
      return jsonEvent(type, table(object, resource.conversion === undefined ? bytes : view.render(object)))
    },
    bookmark: (revision, end) => {
      const object = bookmarkObject(resource, revision, end)
      return jsonEvent('BOOKMARK', table(object, view.render(object)))
    },
    error: (status) => jsonLine('ERROR', status),
  }
}
