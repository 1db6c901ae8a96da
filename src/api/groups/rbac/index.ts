import type { Resource } from '../../resource.ts'
import { clusterRoleBindings, roleBindings } from './bindings.ts'
import { clusterRoles, roles } from './roles.ts'

export const rbacResources = [clusterRoleBindings, clusterRoles, roleBindings, roles] as unknown as readonly Resource[]
