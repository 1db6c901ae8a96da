import type { Resource } from '../resource.ts'
import { admissionregistrationResources } from './admissionregistration/index.ts'
import { apiextensionsResources } from './apiextensions/index.ts'
import { apiregistrationResources } from './apiregistration/index.ts'
import { appsResources } from './apps/index.ts'
import { authenticationResources } from './authentication/index.ts'
import { authorizationResources } from './authorization/index.ts'
import { autoscalingResources } from './autoscaling/index.ts'
import { batchResources } from './batch/index.ts'
import { certificatesResources } from './certificates/index.ts'
import { coordinationResources } from './coordination/index.ts'
import { coreResources } from './core/index.ts'
import { discoveryResources } from './discovery/index.ts'
import { eventsResources } from './events/index.ts'
import { flowcontrolResources } from './flowcontrol/index.ts'
import { networkingResources } from './networking/index.ts'
import { nodeResources } from './node/index.ts'
import { policyResources } from './policy/index.ts'
import { rbacResources } from './rbac/index.ts'
import { resourceResources } from './resource/index.ts'
import { schedulingResources } from './scheduling/index.ts'
import { storageResources } from './storage/index.ts'

/**
 * Every built-in kind that is served. To add one, write `groups/<group>/<kind>.ts` with
 *
 *     export const podTemplates = defineResource(refs.podtemplates, { strategy: …, columns: … })
 *
 * (identity, schema, verbs, column definitions and storage come from the generated facts), list it in `groups/<group>/index.ts`
 * as one of the group's resources, and spread that list here. Kinds stand in the order of discovery.
 */
export function builtInResources(): readonly Resource[] {
  return [
    ...coreResources,
    ...apiregistrationResources,
    ...appsResources,
    ...eventsResources,
    ...authenticationResources,
    ...authorizationResources,
    ...autoscalingResources,
    ...batchResources,
    ...certificatesResources,
    ...networkingResources,
    ...policyResources,
    ...rbacResources,
    ...storageResources,
    ...admissionregistrationResources,
    ...apiextensionsResources,
    ...schedulingResources,
    ...coordinationResources,
    ...nodeResources,
    ...discoveryResources,
    ...resourceResources,
    ...flowcontrolResources,
  ]
}
