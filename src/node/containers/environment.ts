import type { Scope } from '#base'
import type { core } from '#api'
import type { ObjectSource } from '../objects.ts'
import { type AnyContainer, namespaceOf } from '../pods/pod-facts.ts'
import { configError } from '../refusal.ts'
import type { NodeSettings } from '../settings.ts'
import { podField, resourceField } from './downward.ts'
import { fileValue } from './env-file.ts'
import { expand } from './expand.ts'
import { serviceVariables } from './service-env.ts'

export interface EnvironmentContext {
  readonly pod: core.Pod
  readonly container: AnyContainer
  readonly podIps: readonly string[]
  readonly objects: ObjectSource
  readonly settings: NodeSettings
}

/** The container's variables: services first in line to be overridden, then `envFrom`, then `env`, each `$(NAME)` seeing what came before. */
export async function environmentOf(scope: Scope, context: EnvironmentContext): Promise<Map<string, string>> {
  const { pod, container, objects } = context
  const { own, kubernetes } = await objects.services(scope, pod)
  const linked = pod.spec?.enableServiceLinks === false ? [] : own
  const services = serviceVariables(kubernetes === undefined ? linked : [kubernetes, ...linked])
  const variables = new Map<string, string>()
  for (const source of container.envFrom ?? [])
    for (const [name, value] of await wholeSource(scope, context, source)) variables.set((source.prefix ?? '') + name, value)
  for (const variable of container.env ?? []) {
    const value = await valueOf(scope, context, variable, (name) => variables.get(name) ?? services.get(name))
    if (value !== undefined) variables.set(variable.name, value)
  }
  for (const [name, value] of services) if (!variables.has(name)) variables.set(name, value)
  return variables
}

async function wholeSource(scope: Scope, { pod, objects }: EnvironmentContext, source: core.EnvFromSource): Promise<[string, string][]> {
  if (source.configMapRef !== undefined) {
    const { name = '', optional } = source.configMapRef
    const found = await objects.configMap(scope, pod, name)
    if (found === undefined && optional !== true) throw configError(`configmap "${name}" not found`)
    return Object.entries(found?.data ?? {})
  }
  const { name = '', optional } = source.secretRef ?? {}
  const found = await objects.secret(scope, pod, name)
  if (found === undefined && optional !== true) throw configError(`secret "${name}" not found`)
  return Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)])
}

/** Undefined for an optional reference to what is not there: the variable is left out. */
async function valueOf(
  scope: Scope,
  context: EnvironmentContext,
  variable: core.EnvVar,
  known: (name: string) => string | undefined,
): Promise<string | undefined> {
  const { pod, container, objects, settings, podIps } = context
  const { valueFrom } = variable
  if (valueFrom === undefined) return expand(variable.value ?? '', known)
  const namespace = namespaceOf(pod)
  if (valueFrom.fieldRef !== undefined) {
    const value = podField(pod, valueFrom.fieldRef.fieldPath, { nodeIps: settings.nodeIps, podIps })
    if (value === undefined) throw configError(`unsupported fieldPath: ${valueFrom.fieldRef.fieldPath}`)
    return value
  }
  if (valueFrom.resourceFieldRef !== undefined) {
    const value = resourceField(pod, valueFrom.resourceFieldRef, container, settings)
    if (value === undefined) throw configError(`unsupported container resource : ${valueFrom.resourceFieldRef.resource}`)
    return value
  }
  if (valueFrom.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = valueFrom.configMapKeyRef
    const found = await objects.configMap(scope, pod, name)
    if (found === undefined && optional !== true) throw configError(`configmap "${name}" not found`)
    const value = found?.data?.[key]
    if (found !== undefined && value === undefined && optional !== true)
      throw configError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`)
    return value
  }
  if (valueFrom.secretKeyRef !== undefined) {
    const { name = '', key, optional } = valueFrom.secretKeyRef
    const found = await objects.secret(scope, pod, name)
    if (found === undefined && optional !== true) throw configError(`secret "${name}" not found`)
    const value = found?.data?.[key]
    if (found !== undefined && value === undefined && optional !== true)
      throw configError(`couldn't find key ${key} in Secret ${namespace}/${name}`)
    return value === undefined ? undefined : decode(value)
  }
  if (valueFrom.fileKeyRef !== undefined) return fileValue(pod, settings, valueFrom.fileKeyRef)
  throw configError(`the variable ${variable.name} has a source that this node does not support: ${Object.keys(valueFrom).join(', ')}`)
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')
