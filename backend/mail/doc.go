// Package mail sends letters by SMTP: smtps://USER:PASSWORD@HOST:465, or smtp://USER:PASSWORD@HOST:587, which goes over to TLS
// before it says anything and gives up where the server cannot. Without TLS it speaks with this machine only.
package mail
