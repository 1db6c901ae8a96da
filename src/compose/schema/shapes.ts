import { type Rule, closed, either, integer, list, map, number, object, open, openMap, scalar, set, text, truth } from './rule.ts'

/** Shapes that several parts of a Compose file share. */
export const stringList = set(text)
export const textOrList = either(text, stringList)
export const keyValue: Rule = either(map(scalar('string', 'number', 'boolean', 'null'), /.+/), set(text))
/** `HOST:ADDRESS` texts, or a map of hosts to an address or several. */
export const extraHosts: Rule = either(map(either(text, list(text)), /.+/), set(text))
export const command: Rule = either(scalar('null'), text, list(text))
export const ulimits: Rule = openMap(either(integer, object({ hard: integer, soft: integer }, 'soft', 'hard')), /^[a-z]+$/)
export const fileMounts: Rule = list(
  either(text, object({ source: text, target: text, uid: text, gid: text, mode: scalar('number', 'string') })),
)
/** `external` of networks and volumes; that of secrets and configs takes other keys too. */
export const external: Rule = either(truth, object({ name: text }))
export const openExternal: Rule = either(truth, open({ name: text }))
export const options: Rule = openMap(scalar('string', 'number'), /^.+$/)
const devices: Rule = list(
  object({ capabilities: stringList, count: integer, device_ids: stringList, driver: text, options: keyValue }, 'capabilities'),
)
export const hooks: Rule = list(object({ command, user: text, privileged: truth, working_dir: text, environment: keyValue }, 'command'))
export const envFile: Rule = either(text, list(either(text, closed({ path: text, format: text, required: truth }, 'path'))))
export const resources: Rule = object({
  limits: object({ cpus: number, memory: text, pids: integer }),
  reservations: object({
    cpus: number,
    memory: text,
    generic_resources: list(object({ discrete_resource_spec: object({ kind: text, value: number }) })),
    devices,
  }),
})
