import type { Resource } from '../../resource.ts'
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from './webhooks.ts'

export const admissionregistrationResources: readonly Resource[] = [mutatingWebhookConfigurations, validatingWebhookConfigurations]
