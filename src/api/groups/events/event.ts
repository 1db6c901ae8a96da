import { defineResource } from '../../define.ts'
import type { KubeObject } from '../../meta/object.ts'
import * as refs from '../../refs.gen.ts'
import type { Event as CoreEvent } from '../../types/core-v1.gen.ts'
import type { Event } from '../../types/events-v1.gen.ts'
import { eventColumns, eventFields } from '../core/events/event.ts'
import { validateEvent, validateNewEvent, validateNewEventUpdate } from '../core/events/event-validation.ts'

/** Fields that the two versions name differently. */
const NAMES: readonly (readonly [core: keyof CoreEvent, own: keyof Event])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
]
const TO_CORE: ReadonlyMap<string, string> = new Map(NAMES.map(([core, own]) => [own, core]))
const FROM_CORE: ReadonlyMap<string, string> = new Map(NAMES)

/** The same objects as the Events of the core group, under other names. */
export const eventsV1 = defineResource(refs.eventsV1, {
  strategy: {
    createOnUpdate: true,
    validateFirst: (event, errors) => validateEvent(toCore(event), 'reportingController', errors),
    validate: (event, errors) => validateNewEvent(toCore(event), errors),
    validateUpdate: (event, old, errors) => validateNewEventUpdate(toCore(event), toCore(old), errors),
  },
  columns: overCore(eventColumns),
  selectable: renamedFields(overCore(eventFields)),
  conversion: {
    toStored: (object) => toCore(object as Event),
    fromStored: (object) => fromCore(object as CoreEvent) as KubeObject,
    fields: selectorNames(),
  },
})

/** What Events are selected by, where the name is another one here. */
function selectorNames(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(eventFields).map((path) => [ownPath(path), path]))
}

function renamedFields<T>(fields: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(fields).map(([path, read]) => [ownPath(path), read]))
}

function ownPath(path: string): string {
  const [first = '', ...rest] = path.split('.')
  return first === 'source' ? path : [FROM_CORE.get(first) ?? first, ...rest].join('.')
}

function toCore(event: Event): CoreEvent {
  return { ...renamed(event, TO_CORE), apiVersion: 'v1' } as CoreEvent
}
function fromCore(event: CoreEvent): Event {
  return { ...renamed(event, FROM_CORE), apiVersion: 'events.k8s.io/v1' } as unknown as Event
}

function renamed(object: object, names: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]))
}

function overCore<Rest extends readonly unknown[], Result>(
  functions: Readonly<Record<string, (event: CoreEvent, ...rest: Rest) => Result>>,
): Readonly<Record<string, (event: Event, ...rest: Rest) => Result>> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, read]) => [name, (event: Event, ...rest: Rest) => read(toCore(event), ...rest)]),
  )
}
