import type { Resource } from '../../resource.ts'
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from './mutating-admission-policy.ts'
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from './validating-admission-policy.ts'
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from './webhooks.ts'

export const admissionregistrationResources: readonly Resource[] = [
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
]
