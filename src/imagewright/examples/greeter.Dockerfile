FROM {{{ imagebuilder:parentImage }}}
{{{ imagebuilder:environments }}}
{{{ imagebuilder:components }}}
USER nobody
CMD ["cat", "/etc/motd"]
