# SPDX-License-Identifier: GPL-2.0-only
# perl words.pl SECONDS: what Perl is used for: regular expressions, hashes, sorting, formatting, some recursion.
use strict;
use warnings;

my $until = time + $ARGV[0];
my $text = join ' ', map { sprintf "word%d-%x", $_ % 97, $_ * 2654435761 % 4096 } 1 .. 400;

sub depth { my ($n, $code) = @_; return $n ? depth($n - 1, $code) : $code->() }

while (time < $until) {
	my %seen;
	$seen{lc $1}++ while $text =~ /([a-z]+\d+)-(?:[0-9a-f]+)/g;
	my @order = depth(30, sub { sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen });
	(my $other = join ',', @order) =~ s/(\d+)/$1 * 2/ge;
	my $line = sprintf '%s %08.3f', substr($other, 0, 60), length($other) / 3;
	$line =~ tr/a-z/A-Z/;
}
