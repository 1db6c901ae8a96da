import { GROUP } from '../kinds.ts'
import {
  type Rule,
  type Schema,
  conditions,
  controllerName,
  group,
  headerName,
  hostname,
  kind,
  list,
  listBy,
  must,
  namespace,
  object,
  objectName,
  oneOf,
  port,
  sectionName,
  text,
  whole,
  withRules,
} from './schema.ts'

/** What several kinds have in common. */

export const routeGroupKind = object({ group: { ...group, default: GROUP }, kind }, ['kind'])
export const localReference = object({ group, kind, name: objectName }, ['group', 'kind', 'name'])
export const secretReference = object(
  { group: { ...group, default: '' }, kind: { ...kind, default: 'Secret' }, name: objectName, namespace },
  ['name'],
)

const parentFields = {
  group: { ...group, default: GROUP },
  kind: { ...kind, default: 'Gateway' },
  namespace,
  name: objectName,
  sectionName,
  port,
}
export const parentReference = object(parentFields, ['name'])

const sameText = (field: string): string =>
  `(((!has(p1.${field}) || p1.${field} == '') && (!has(p2.${field}) || p2.${field} == '')) || (has(p1.${field}) && has(p2.${field}) && p1.${field} == p2.${field}))`
const unset = (one: string, field: string): string => `(!has(${one}.${field}) || ${one}.${field} == '')`
const sameObject = 'p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name'

export const parentRefs = withRules(
  list(parentReference, 32),
  must(
    'sectionName must be specified when parentRefs includes 2 or more references to the same parent',
    `self.all(p1, self.all(p2, ${sameObject} && ${sameText('__namespace__')} ? (${unset('p1', 'sectionName')} == ${unset('p2', 'sectionName')}) : true))`,
  ),
  must(
    'sectionName must be unique when parentRefs includes 2 or more references to the same parent',
    `self.all(p1, self.exists_one(p2, ${sameObject} && ${sameText('__namespace__')} && ${sameText('sectionName')}))`,
  ),
)
/** The same two, of what a policy is for. */
export const targetRules: readonly Rule[] = [
  must(
    'sectionName must be specified when targetRefs includes 2 or more references to the same target',
    `self.all(p1, self.all(p2, ${sameObject} ? (${unset('p1', 'sectionName')} == ${unset('p2', 'sectionName')}) : true))`,
  ),
  must(
    'sectionName must be unique when targetRefs includes 2 or more references to the same target',
    `self.all(p1, self.exists_one(p2, ${sameObject} && ${sameText('sectionName')}))`,
  ),
]

export const hostnames = list(hostname, 16)

export const routeStatus = object(
  {
    parents: list(
      object({ parentRef: parentReference, controllerName, conditions: conditions({ minItems: 1 }) }, [
        'parentRef',
        'controllerName',
        'conditions',
      ]),
      32,
    ),
  },
  ['parents'],
)

const backendFields = {
  group: { ...group, default: '' },
  kind: { ...kind, default: 'Service' },
  name: objectName,
  namespace,
  port,
}
const needsPort = must('Must have port for Service reference', "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true")
export const backendObject = withRules(object(backendFields, ['name']), needsPort)
export const weight = whole(0, 1_000_000, { default: 1 })
export const backend = (filters?: Schema): Schema =>
  withRules(object({ ...backendFields, weight, ...(filters === undefined ? {} : { filters }) }, ['name']), needsPort)

const headerValue = text({ minLength: 1, maxLength: 4096 })
const header = object({ name: headerName, value: headerValue }, ['name', 'value'])
export const headerFilter = object({
  set: listBy('name', header, 16),
  add: listBy('name', header, 16),
  remove: list(text(), 16, { 'x-kubernetes-list-type': 'set' }),
})
export const headerMatch = object(
  { type: { ...oneOf('Exact', 'RegularExpression'), default: 'Exact' }, name: headerName, value: headerValue },
  ['name', 'value'],
)

const fraction = withRules(
  object({ numerator: whole(0), denominator: whole(1, undefined, { default: 100 }) }, ['numerator']),
  must('numerator must be less than or equal to denominator', 'self.numerator <= self.denominator'),
)
export const mirrorFilter = withRules(
  object({ backendRef: backendObject, percent: whole(0, 100), fraction }, ['backendRef']),
  must('Only one of percent or fraction may be specified in HTTPRequestMirrorFilter', '!(has(self.percent) && has(self.fraction))'),
)

/** A filter has the field of its type, and no other. */
export function filterOf(fields: Readonly<Record<string, readonly [type: string, schema: Schema]>>): Schema {
  const rules = Object.entries(fields).flatMap(([field, [type]]) => [
    must(`filter.${field} must be nil if the filter.type is not ${type}`, `!(has(self.${field}) && self.type != '${type}')`),
    must(`filter.${field} must be specified for ${type} filter.type`, `!(!has(self.${field}) && self.type == '${type}')`),
  ])
  const schemas = Object.fromEntries(Object.entries(fields).map(([field, [, schema]]) => [field, schema]))
  const types = Object.values(fields).map(([type]) => type)
  return withRules(object({ type: oneOf(...types), ...schemas }, ['type']), ...rules)
}
export const onlyOnce = (type: string): Rule => must(`${type} filter cannot be repeated`, `self.filter(f, f.type == '${type}').size() <= 1`)

/** A sum over a list whose length is known to be at most 16, which the language has no word for. */
export const atMost128Matches = (matchesOf: (rule: string) => string): Rule =>
  must(
    'While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
    `${Array.from({ length: 16 }, (_, at) => `(self.size() > ${at} ? ${matchesOf(`self[${at}]`)} : 0)`).join(' + ')} <= 128`,
  )
export const uniqueRuleNames = must(
  'Rule name must be unique within the route',
  'self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))',
)
